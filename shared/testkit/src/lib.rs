//! Help for tests: a table of our schema in process, buckets and a queue likewise, clients that
//! break on demand, a clock to set.
//!
//! Dev-dependency only. It knows the schema of the one table, but no item, no key text and none of our
//! stores: what a test proves, it proves on the real code against real `DynamoDB` answers.

mod clock;
mod dynamo;
mod faults;
mod kms;
mod shelf;
mod sniff;

pub use clock::TestClock;
pub use dynamo::{Dynamo, create_table};
pub use faults::{Call, Fault, Faults};
pub use kms::KeyService;
pub use shelf::Shelf;
pub use sniff::{Service, Units};
