//! What the readers tell a sink: event heads of the dialects, and the same from any chunking.

#![cfg(test)]

mod alike;
mod arbitrary;
mod dialects;
mod short_way;

use std::io::BufReader;

use epcis::{DocumentSummary, EpcList, EventHead, Failure, Limits, ReadError, Sink, inflate};

/// An event with the entries that came before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    head: EventHead,
    epcs: Vec<(EpcList, String)>,
    classes: Vec<String>,
}

/// Keeps all it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Recorder {
    events: Vec<Event>,
    epcs: Vec<(EpcList, String)>,
    classes: Vec<String>,
}

impl Sink for Recorder {
    type Error = std::convert::Infallible;

    fn epc(&mut self, list: EpcList, text: &str) -> Result<(), Self::Error> {
        self.epcs.push((list, text.to_owned()));
        Ok(())
    }

    fn class(&mut self, text: &str) -> Result<(), Self::Error> {
        self.classes.push(text.to_owned());
        Ok(())
    }

    fn event(&mut self, head: &EventHead) -> Result<(), Self::Error> {
        self.events.push(Event {
            head: head.clone(),
            epcs: std::mem::take(&mut self.epcs),
            classes: std::mem::take(&mut self.classes),
        });
        Ok(())
    }
}

fn record(bytes: &[u8], limits: &Limits) -> Result<(DocumentSummary, Vec<Event>), ReadError> {
    let mut recorder = Recorder::default();
    match epcis::read(BufReader::new(inflate(bytes, limits)), limits, &mut recorder) {
        Ok(summary) => Ok((summary, recorder.events)),
        Err(Failure::Read(error)) => Err(error),
        Err(Failure::Sink(never)) => match never {},
    }
}
