//! A small Lambda runtime API on loopback, which plays the AWS services of the warm-up as well.
//!
//! Threads and blocking sockets: the time of a request is taken when its head is complete, and nothing
//! else in this process runs then.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::error::CommandError;

/// The largest body that a warm-up call may have.
const BODY_BYTES_MAX: usize = 64 * 1024;
const NEXT_PATH: &str = "/2018-06-01/runtime/invocation/next";
const RUNTIME_PATH: &str = "/2018-06-01/runtime/";

/// The server.
pub(super) struct Runtime {
    address: SocketAddr,
    events: Receiver<Event>,
}

/// One call of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Which service.
    pub service: &'static str,
    /// When its connection was taken, or the call began on one that was there.
    pub from: Instant,
    /// When its answer was ready.
    pub to: Instant,
}

/// What was seen until the first request for work.
#[derive(Debug)]
pub(super) struct Seen {
    /// When work was asked for.
    pub asked: Instant,
    /// The warm-up calls.
    pub calls: Vec<Call>,
}

impl Seen {
    /// The services that were called.
    pub(super) fn services(&self) -> BTreeSet<&'static str> {
        self.calls.iter().map(|call| call.service).collect()
    }
}

enum Event {
    Asked(Instant),
    Called(Call),
    /// The function reports that it cannot start.
    Failed,
}

impl Runtime {
    /// Listens on a free port of loopback.
    pub(super) fn listen() -> Result<Self, CommandError> {
        let io = || CommandError::io("the runtime API");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io())?;
        let address = listener.local_addr().map_err(io())?;
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let accepted = Instant::now();
                let sender = sender.clone();
                // A connection that breaks ends with its process.
                std::thread::spawn(move || drop(serve(&stream, accepted, &sender)));
            }
        });
        Ok(Self { address, events })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops what a process that is gone left behind.
    pub(super) fn forget(&self) {
        while self.events.try_recv().is_ok() {}
    }

    /// Waits for the first request for work; `None` if it does not come.
    pub(super) fn first_request(&self, patience: Duration) -> Option<Seen> {
        let mut calls = Vec::new();
        loop {
            match self.events.recv_timeout(patience).ok()? {
                Event::Asked(asked) => return Some(Seen { asked, calls }),
                Event::Called(call) => calls.push(call),
                Event::Failed => return None,
            }
        }
    }
}

/// Answers the requests of one connection until it ends.
fn serve(stream: &TcpStream, accepted: Instant, events: &Sender<Event>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut from = accepted;
    while let Some(head) = Head::read(&mut reader)? {
        if head.path == NEXT_PATH {
            // The sender fails when nobody waits any more; then the process is about to be killed.
            drop(events.send(Event::Asked(Instant::now())));
            // There is no work: the connection stays open until the process is gone.
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        if head.path.starts_with(RUNTIME_PATH) {
            drop(events.send(Event::Failed));
            return Ok(());
        }
        let length = head.length.min(BODY_BYTES_MAX);
        reader.read_exact(&mut vec![0; length])?;
        let service = head.service();
        let to = Instant::now();
        // Told before it is answered: what the process does next may reach us on another connection.
        drop(events.send(Event::Called(Call { service, from, to })));
        (&*stream).write_all(answer(service).as_bytes())?;
        from = to;
    }
    Ok(())
}

/// An empty answer in the protocol of the service.
fn answer(service: &str) -> String {
    let (kind, body) = match service {
        "dynamodb" | "sqs" => ("application/x-amz-json-1.0", "{}"),
        _ => ("application/xml", ""),
    };
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The head of a request, as far as it matters.
struct Head {
    path: String,
    target: String,
    length: usize,
}

impl Head {
    /// `None` at the end of the connection.
    fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let mut head = Self { path, target: String::new(), length: 0 };
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                return Ok(Some(head));
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("x-amz-target") {
                value.trim().clone_into(&mut head.target);
            } else if name.eq_ignore_ascii_case("content-length") {
                head.length = value.trim().parse().unwrap_or(0);
            }
        }
    }

    /// The service that the call is for.
    fn service(&self) -> &'static str {
        if self.target.starts_with("DynamoDB") {
            "dynamodb"
        } else if self.target.starts_with("AmazonSQS") {
            "sqs"
        } else {
            "s3"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_work_is_told_apart_from_calls_of_services() {
        let runtime = Runtime::listen().unwrap();
        let mut stream = TcpStream::connect(runtime.address()).unwrap();
        let call = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n\
                    Content-Length: 2\r\n\r\n{}";
        stream.write_all(call.as_bytes()).unwrap();
        let mut status = String::new();
        BufReader::new(&stream).read_line(&mut status).unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK\r\n");
        let mut other = TcpStream::connect(runtime.address()).unwrap();
        other.write_all(format!("GET {NEXT_PATH} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        let seen = runtime.first_request(Duration::from_secs(20)).unwrap();
        assert_eq!(seen.services().into_iter().collect::<Vec<_>>(), ["dynamodb"]);
        assert!(seen.calls[0].to <= seen.asked);
    }

    #[test]
    fn a_function_that_cannot_start_is_not_waited_for() {
        let runtime = Runtime::listen().unwrap();
        let mut stream = TcpStream::connect(runtime.address()).unwrap();
        stream.write_all(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\n\r\n").unwrap();
        assert!(runtime.first_request(Duration::from_secs(20)).is_none());
    }
}
