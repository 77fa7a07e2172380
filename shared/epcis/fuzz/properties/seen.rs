//! Everything that can be seen of a reading.

use std::io::BufReader;

use epcis::{DocumentSummary, EpcList, EventHead, Failure, Limits, Sink, inflate};

/// What a sink is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    Epc(EpcList, String),
    Class(String),
    Event(Box<EventHead>),
}

struct Recorder {
    calls: Vec<Call>,
    left: u64,
}

impl Recorder {
    fn call(&mut self, call: Call) -> Result<(), ()> {
        self.left = self.left.checked_sub(1).ok_or(())?;
        self.calls.push(call);
        Ok(())
    }
}

impl Sink for Recorder {
    type Error = ();

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), ()> {
        self.call(Call::Epc(list, text.to_owned()))
    }

    fn class(&mut self, text: &str) -> Result<(), ()> {
        self.call(Call::Class(text.to_owned()))
    }

    fn event(&mut self, head: &EventHead) -> Result<(), ()> {
        self.call(Call::Event(Box::new(head.clone())))
    }
}

/// The outcome, and the calls until then; the sink refuses the one after `calls`.
pub fn seen(
    bytes: &[u8],
    limits: &Limits,
    calls: u64,
) -> (Result<DocumentSummary, Failure<()>>, Vec<Call>) {
    let mut sink = Recorder { calls: Vec::new(), left: calls };
    let outcome = epcis::read(BufReader::new(inflate(bytes, limits)), limits, &mut sink);
    (outcome, sink.calls)
}
