//! Which numbers a body means: serial texts, exact to the character, turned into places in the allocation.

use domain::allocation::Allocation;
use domain::numbering::Numbering;
use domain::pool::SerialMatch;
use edge::{Problem, ProblemKind};
use store::number_change::{NAMED_MAX, Selection};

use super::{GiveBackBody, RangeBody};

/// Serials of one list.
const SERIALS_MAX: usize = 10_000;
/// Runs of one request.
const RANGES_MAX: usize = 1_000;

/// One of the three ways to name numbers.
#[derive(Debug)]
pub(super) enum SelectionBody {
    Serials(Vec<String>),
    Ranges(Vec<RangeBody>),
    AllUnused,
}

/// Texts that are no numbers of the allocation, where they stand.
#[derive(Debug, Default)]
struct Strangers {
    count: u64,
    first: Vec<(String, String)>,
}

impl Strangers {
    fn add(&mut self, pointer: String, text: &str) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMED_MAX {
            self.first.push((pointer, text.to_owned()));
        }
    }

    fn problem(self) -> Option<Problem> {
        let count = self.count;
        let problem =
            Problem::unprocessable(format!("{count} texts are no numbers of the allocation"));
        let problem = self.first.into_iter().fold(problem, |problem, (pointer, text)| {
            let text: String = text.chars().take(40).collect();
            problem.violation(&pointer, format!("{text:?} is no serial number of this allocation"))
        });
        (count > 0).then(|| problem.with("count", count))
    }
}

impl SelectionBody {
    pub(super) fn of(body: GiveBackBody) -> Result<Self, Problem> {
        let limit = |pointer: &str, len: usize, max: usize| {
            if (1..=max).contains(&len) {
                return Ok(());
            }
            let problem = Problem::new(ProblemKind::SizeLimit).with("max", max);
            Err(problem.violation(pointer, format!("1 to {max} entries, not {len}")))
        };
        match (body.serials, body.ranges, body.all_unused) {
            (Some(serials), None, None) => {
                limit("/serials", serials.len(), SERIALS_MAX)?;
                Ok(Self::Serials(serials))
            }
            (None, Some(ranges), None) => {
                limit("/ranges", ranges.len(), RANGES_MAX)?;
                Ok(Self::Ranges(ranges))
            }
            (None, None, Some(true)) => Ok(Self::AllUnused),
            _ => Err(Problem::bad_request("The numbers are not named.")
                .violation("", "one of serials, ranges, and all_unused, which is true")),
        }
    }

    /// The numbers as runs of the allocation: every text is one of its numbers, or all is refused.
    pub(super) fn read(
        self,
        allocation: &Allocation,
        numbering: &Numbering,
    ) -> Result<Selection, Problem> {
        let index = |text: &str| match numbering.index_of(text) {
            SerialMatch::Index(index)
                if (allocation.start..=allocation.last()).contains(&index) =>
            {
                u64::try_from(index.saturating_sub(allocation.start)).ok()
            }
            SerialMatch::Index(_)
            | SerialMatch::LeadingZeroStripped(_)
            | SerialMatch::NotOfScheme => None,
        };
        let (mut runs, mut strangers) = (Vec::new(), Strangers::default());
        match self {
            Self::AllUnused => return Ok(Selection::AllUnused),
            Self::Serials(serials) => {
                for (at, text) in serials.iter().enumerate() {
                    match index(text) {
                        Some(index) => runs.push((index, index)),
                        None => strangers.add(format!("/serials/{at}"), text),
                    }
                }
            }
            Self::Ranges(_) if !numbering.is_sequential() => {
                return Err(Problem::new(ProblemKind::ModeNotAllowed).violation(
                    "/ranges",
                    "numbers of a randomised pool have no order; list them",
                ));
            }
            Self::Ranges(ranges) => {
                for (at, RangeBody { from, to }) in ranges.iter().enumerate() {
                    match (index(from), index(to)) {
                        (Some(first), Some(last)) if first <= last => runs.push((first, last)),
                        (Some(_), _) => strangers.add(format!("/ranges/{at}/to"), to),
                        (None, _) => strangers.add(format!("/ranges/{at}/from"), from),
                    }
                }
            }
        }
        match strangers.problem() {
            Some(problem) => Err(problem),
            None => Ok(Selection::Runs(joined(runs))),
        }
    }
}

/// Ascending and disjoint, whatever was named twice or touches.
fn joined(mut runs: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    runs.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::with_capacity(runs.len());
    for (first, last) in runs {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn runs_are_joined_where_they_touch() {
        assert_eq!(
            joined(vec![(5, 9), (0, 1), (2, 2), (7, 12), (14, 14)]),
            [(0, 2), (5, 12), (14, 14)]
        );
    }
}
