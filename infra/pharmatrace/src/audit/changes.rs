//! Changes of numbers next to their kept decisions: what such a document posted is what was decided, less
//! what others had used by then.

use std::collections::BTreeSet;

use domain::bitmap::BlockSet;
use domain::ledger::Posting;
use store::StoreError;
use store::audit::{Audit, Invariant};
use store::block::Place;
use store::document::Document;
use store::number_change::kept::{Decision, Read};

use super::documents::{Documents, Places, Tallies, Wrong, is_settled};

impl Documents {
    /// The postings of a change next to its decision; what they add up to. `None` if there is no decision.
    pub(super) async fn change(
        &self,
        document: &Document,
        planned: Places,
        to: (&mut Audit, &mut Wrong),
    ) -> Result<Option<Tallies>, StoreError> {
        let (audit, wrong) = to;
        let sha = document.content_sha256.as_str();
        let kept = self.objects.message_kept(sha).await?;
        let Some(decision) = kept.as_deref().and_then(Decision::read) else {
            // That bytes are missing or were changed is told where they are hashed.
            let detail = "is a change of numbers, but its bytes are no decision".to_owned();
            wrong.push((Invariant::Posted, format!("DOC#{sha}"), detail));
            return Ok(None);
        };
        let id = &decision.allocation_id;
        let mut tallies = Tallies::default();
        let decided = decision.blocks.iter().map(|(block, _)| (id.clone(), *block));
        let places: BTreeSet<_> = decided.chain(planned).collect();
        for (id, block) in places {
            let place = Place { allocation: &id, block, content_sha256: sha };
            let fetched = self.store.posting_fetch(place).await;
            let Some(posting) = audit.readable(fetched)? else { continue };
            if let Some(posting) = &posting {
                tallies.add(&id, posting);
            }
            let of = decision.blocks.iter().find(|(number, _)| *number == block);
            let of = of.filter(|_| id == decision.allocation_id).map(|(_, numbers)| numbers);
            let detail = match (posting, of) {
                (Some(posting), Some(numbers)) => {
                    let Some(others) = self.others(place, audit).await? else { continue };
                    difference(&posting, (&decision, numbers), &others)
                }
                (Some(_), None) => Some("was never decided"),
                (None, Some(_)) if is_settled(document) => {
                    Some("what was decided of it was never posted")
                }
                (None, _) => None,
            };
            if let Some(detail) = detail {
                let subject = format!("BLOCK#{id}#{block:08}/DOC#{sha}");
                wrong.push((Invariant::Posted, subject, detail.to_owned()));
            }
        }
        Ok(Some(tallies))
    }

    /// Every number of a block that another document names.
    async fn others(
        &self,
        place: Place<'_>,
        audit: &mut Audit,
    ) -> Result<Option<BlockSet>, StoreError> {
        let postings = self.store.block_postings(place.allocation, place.block).await;
        let Some(postings) = audit.readable(postings)? else { return Ok(None) };
        let mut named = BlockSet::new();
        for (sha, posting) in postings {
            let groups = posting.groups.iter().filter(|_| sha != place.content_sha256);
            for group in groups {
                named.union_with(&group.serials);
            }
        }
        Ok(Some(named))
    }
}

/// What is wrong with the posting of a change; `others` are the numbers that other documents name.
fn difference(
    posting: &Posting,
    (decision, numbers): (&Read, &BlockSet),
    others: &BlockSet,
) -> Option<&'static str> {
    let fact = decision.fate.fact();
    let right = |group: &domain::ledger::Group| {
        let times = (group.time_first_ms, group.time_last_ms);
        group.fact == fact && times == (decision.time_ms, decision.time_ms)
    };
    if !posting.groups.iter().all(right) || !posting.retractions.is_empty() {
        return Some("says something else than what was decided");
    }
    let taken = posting.stated(fact);
    if !taken.difference(numbers).is_empty() {
        return Some("gives up numbers that were not decided about");
    }
    let left = numbers.difference(&taken);
    (!left.difference(others).is_empty()).then_some("leaves numbers out that nobody had used")
}

#[cfg(test)]
mod tests {
    use domain::bitmap::Offset;
    use domain::fact::Fact;
    use domain::give_back::Fate;
    use domain::ids::AllocationId;
    use domain::ledger::{Claim, Draft};

    use super::*;

    fn span(first: u32, last: u32) -> BlockSet {
        BlockSet::span(Offset::new(first).unwrap(), Offset::new(last).unwrap())
    }

    #[test]
    fn a_change_posts_what_was_decided_less_what_others_used() {
        let decision = Read {
            change_id: "c".into(),
            allocation_id: AllocationId::parse(&"A".repeat(26)).unwrap(),
            fate: Fate::Return,
            time_ms: 7,
            blocks: Vec::new(),
        };
        let check = |fact, time_ms, posted: BlockSet, others: BlockSet, wrong: Option<&str>| {
            let claim = Claim { fact, lot: None, expiry: None, time_ms, ordinal: 1, is_bare: true };
            let mut draft = Draft::default();
            draft.assert_all(&claim, &posted);
            let posting = Posting { groups: draft.groups, ..Posting::default() };
            let found = difference(&posting, (&decision, &span(0, 9)), &others);
            assert_eq!(found, wrong, "{posted:?}");
        };
        let (returned, none) = (Fact::Returned, BlockSet::new);
        check(returned, 7, span(0, 9), none(), None);
        check(returned, 7, span(0, 7), span(8, 20), None);
        check(returned, 7, span(0, 7), span(9, 9), Some("leaves numbers out that nobody had used"));
        check(
            returned,
            7,
            span(0, 10),
            none(),
            Some("gives up numbers that were not decided about"),
        );
        check(returned, 8, span(0, 9), none(), Some("says something else than what was decided"));
        let other = Fact::Destroyed;
        check(other, 7, span(0, 9), none(), Some("says something else than what was decided"));
    }
}
