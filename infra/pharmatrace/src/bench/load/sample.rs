//! How an operation went, and what many of them come to.

use std::time::Duration;

use super::mix::Operation;

/// Why an operation did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// 429: the hub had enough.
    Throttled,
    /// 5xx, or no answer at all.
    Unserved(String),
    /// An answer that must not be.
    Wrong(String),
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) operation: Operation,
    /// From when it was due to the end of its last answer.
    pub(super) took: Duration,
    /// It began before the measurement did: its faults count, its time does not.
    pub(super) is_warm_up: bool,
    pub(super) fault: Option<Fault>,
}

/// All operations of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) operation: Operation,
    /// Those that were measured and went well.
    pub(super) good: u64,
    /// 429 answers, warm-up included.
    pub(super) throttled: u64,
    /// 5xx and missing answers, warm-up included.
    pub(super) unserved: u64,
    /// Wrong answers, warm-up included.
    pub(super) wrong: u64,
    /// Microseconds of the good ones: half of them took no longer, and so on.
    pub(super) p50_us: u64,
    pub(super) p95_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

impl Tally {
    /// What the samples of an operation come to.
    pub(super) fn of(operation: Operation, samples: &[Sample]) -> Self {
        let own = || samples.iter().filter(|sample| sample.operation == operation);
        let number = |fits: fn(&Fault) -> bool| {
            let faults = own().filter_map(|sample| sample.fault.as_ref());
            wide(faults.filter(|fault| fits(fault)).count())
        };
        let good = own().filter(|sample| sample.fault.is_none() && !sample.is_warm_up);
        let mut times: Vec<u64> = good.map(|sample| micros(sample.took)).collect();
        times.sort_unstable();
        Self {
            operation,
            good: wide(times.len()),
            throttled: number(|fault| *fault == Fault::Throttled),
            unserved: number(|fault| matches!(fault, Fault::Unserved(_))),
            wrong: number(|fault| matches!(fault, Fault::Wrong(_))),
            p50_us: percentile(&times, 50),
            p95_us: percentile(&times, 95),
            p99_us: percentile(&times, 99),
            max_us: times.last().copied().unwrap_or_default(),
        }
    }

    /// Operations that count for the share of errors.
    pub(super) fn all(&self) -> u64 {
        [self.throttled, self.unserved, self.wrong]
            .iter()
            .fold(self.good, |sum, n| sum.saturating_add(*n))
    }
}

/// The value that so many of a hundred do not exceed: nearest rank, of sorted ones.
fn percentile(sorted: &[u64], hundredths: usize) -> u64 {
    let rank = sorted.len().saturating_mul(hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64, fault: Option<Fault>) -> Sample {
        let took = Duration::from_millis(ms);
        Sample { operation: Operation::Get, took, is_warm_up: false, fault }
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let sorted: Vec<u64> = (1..=200).collect();
        for (hundredths, expected) in [(50, 100), (95, 190), (99, 198), (100, 200)] {
            assert_eq!(percentile(&sorted, hundredths), expected);
        }
        assert_eq!((percentile(&[7], 50), percentile(&[7], 99), percentile(&[], 99)), (7, 7, 0));
    }

    #[test]
    fn only_good_operations_of_the_measurement_have_times_and_every_fault_counts() {
        let mut samples: Vec<Sample> = (1..=100).rev().map(|ms| sample(ms, None)).collect();
        samples.push(Sample { is_warm_up: true, ..sample(90_000, None) });
        samples.push(Sample { is_warm_up: true, ..sample(1, Some(Fault::Throttled)) });
        samples.push(sample(90_000, Some(Fault::Unserved("502".to_owned()))));
        samples.push(sample(90_000, Some(Fault::Wrong("x".to_owned()))));
        samples.push(Sample { operation: Operation::List, ..sample(90_000, None) });
        let tally = Tally::of(Operation::Get, &samples);
        assert_eq!((tally.good, tally.throttled, tally.unserved, tally.wrong), (100, 1, 1, 1));
        assert_eq!((tally.p50_us, tally.p99_us, tally.max_us), (50_000, 99_000, 100_000));
        assert_eq!(tally.all(), 103);
    }
}
