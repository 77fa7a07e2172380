//! The rules of the serial-number authority, without I/O, clock, AWS or HTTP.
//!
//! Identifiers (GTIN-14, GLN, SSCC, AI-82 serial text, SGTIN as URN and Digital Link), serial pools and
//! their schemes, the life cycle of an allocation, and the ledger that says what became of each number.
//!
//! Invariants held here: I4 (each serial in one bucket), I7 (identifiers are text, byte for byte).
//! The crate does not know where things are stored, what time it is, or who asks.

pub mod allocation;
pub mod bitmap;
pub mod closing;
pub mod epc;
pub mod fact;
pub mod ff1;
pub mod finding;
pub mod give_back;
pub mod gln;
pub mod gtin;
pub mod ids;
pub mod ledger;
pub mod list;
pub mod numbering;
pub mod object_key;
pub mod policy;
pub mod pool;
pub mod replenish;
pub mod request;
pub mod serial;
pub mod space;
pub mod sscc;
pub mod telemetry;
pub mod watch;
pub mod webhook;

mod check_digit;
