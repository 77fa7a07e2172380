//! What a document did to each allocation: a fold over its postings.

use std::collections::BTreeMap;

use crate::Store;
use crate::error::StoreError;
use crate::item::{Reader, key};
use crate::keys::{Pk, Sk};
use crate::report::AllocationTally;

/// Postings held at a time.
const POSTINGS_AT_ONCE: usize = 100;

impl Store {
    /// The tallies of a document over all systems that sent it, by allocation. Consistent: what was posted
    /// before the call is counted, whoever posted it.
    pub async fn document_tallies(&self, sha: &str) -> Result<Vec<AllocationTally>, StoreError> {
        let mut tallies: BTreeMap<String, AllocationTally> = BTreeMap::new();
        let runs = self.plan_list(sha).await?;
        let mut blocks = runs.iter().flat_map(|run| {
            (run.first..=run.last).map(|block| Pk::Block(run.allocation.clone(), block))
        });
        loop {
            let sk = Sk::DocumentOf(sha.to_owned());
            let keys: Vec<_> =
                blocks.by_ref().take(POSTINGS_AT_ONCE).map(|pk| key(&pk, &sk)).collect();
            if keys.is_empty() {
                return Ok(tallies.into_values().collect());
            }
            for item in self.batch_get("BatchGetItem postings", keys).await? {
                let reader = Reader::raw(&item);
                let Ok(Pk::Block(allocation, _)) = reader.text("pk")?.parse() else {
                    return Err(reader.corrupt("pk", "is no block").into());
                };
                let id = allocation.to_string();
                let tally = tallies.entry(id.clone()).or_insert(AllocationTally {
                    allocation_id: id,
                    newly_commissioned: 0,
                    repeated: 0,
                });
                let number = |name| reader.parsed::<u64>(name);
                tally.newly_commissioned =
                    tally.newly_commissioned.saturating_add(number("newly_commissioned")?);
                tally.repeated = tally.repeated.saturating_add(number("repeated")?);
            }
        }
    }
}
