//! Help for tests: a table of our schema in process, a client that breaks on demand, a clock to set.
//!
//! Dev-dependency only. It knows the schema of the one table, but no item, no key text and none of our
//! stores: what a test proves, it proves on the real code against real `DynamoDB` answers.

mod clock;
mod dynamo;
mod faults;
mod sniff;

pub use clock::TestClock;
pub use dynamo::{Dynamo, create_table};
pub use faults::{Call, Fault, Faults};
pub use sniff::{Service, Units};
