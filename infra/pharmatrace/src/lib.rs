//! The operator's command line: the local cloud, credentials, systems, checks.
//!
//! Machine output goes to stdout, logs and progress to stderr. A command finds its hub by the line that
//! `local up` prints, or by the outputs of a CloudFormation stack. The crate does not know the functions:
//! it builds, deploys and calls them like anybody else.

pub mod api;
pub mod audit;
pub mod bench;
pub mod cli;
pub mod credential;
pub mod demo;
pub mod error;
pub mod hub;
pub mod inspect;
pub mod local;
pub mod system;
mod table;
pub mod tenant;
pub mod wiring;
