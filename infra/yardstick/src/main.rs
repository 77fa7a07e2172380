//! `yardstick`: the hot paths as a small program, to be counted and timed by `pharmatrace bench`.
//!
//! It knows the pure crates alone, so it is built as they ship in under a minute. `list` and `count` serve
//! the instruction counts, `write` and `rates` the comparison with peers; everything is printed as JSON
//! lines. The fold of a document into a plan needs a store and has a program of its own, the example
//! `fold` of `reconcile-commissioning`.

mod counts;
mod inputs;
mod rates;
mod readings;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => counts::list(),
        ["count", name] => counts::count(name),
        ["write", shape, serials, file] => inputs::write(shape, serials, file),
        ["rates", dense, single, json] => rates::documents(dense, single, json),
        ["rates"] => rates::rows(),
        _ => None,
    };
    if done.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
