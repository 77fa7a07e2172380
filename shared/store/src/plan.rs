//! Plans: the blocks that a document is about to touch, recorded before the first one is written.

use domain::ids::AllocationId;
use tokio::task::JoinSet;

use crate::Store;
use crate::error::StoreError;
use crate::item::{Reader, new_item};
use crate::keys::{PLAN_PREFIX, Pk, Sk};
use crate::meter::Meter;

/// Plan runs written at once; a scattered document has up to 100,000 of them.
const PLANS_IN_FLIGHT: usize = 32;

/// Blocks of an allocation that a document was about to touch, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRun {
    /// The allocation.
    pub allocation: AllocationId,
    /// The first block.
    pub first: u32,
    /// The last block.
    pub last: u32,
}

impl Store {
    /// Records which blocks a document is about to touch, before the first one is written.
    pub async fn plan_put(
        &self,
        content_sha256: &str,
        runs: &[PlanRun],
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let mut writing: JoinSet<Result<bool, StoreError>> = JoinSet::new();
        for run in runs {
            while writing.len() >= PLANS_IN_FLIGHT {
                written(&mut writing).await?;
            }
            let sk = Sk::Plan(run.allocation.clone(), run.first, run.last);
            let item = new_item(&Pk::Document(content_sha256.to_owned()), &sk, "plan");
            let (store, meter) = (self.clone(), meter.clone());
            writing.spawn(async move { store.put_if_absent("PutItem plan", item, &meter).await });
        }
        while !writing.is_empty() {
            written(&mut writing).await?;
        }
        Ok(())
    }

    /// The blocks that a document was about to touch. Consistent.
    pub async fn plan_list(&self, content_sha256: &str) -> Result<Vec<PlanRun>, StoreError> {
        let pk = Pk::Document(content_sha256.to_owned());
        let mut runs = Vec::new();
        for item in self.partition(&pk, PLAN_PREFIX).await? {
            let reader = Reader::new(&item, "plan")?;
            match reader.text("sk")?.parse::<Sk>() {
                Ok(Sk::Plan(allocation, first, last)) => {
                    runs.push(PlanRun { allocation, first, last });
                }
                Ok(_) | Err(_) => return Err(reader.corrupt("sk", "is no plan").into()),
            }
        }
        Ok(runs)
    }
}

async fn written(writing: &mut JoinSet<Result<bool, StoreError>>) -> Result<(), StoreError> {
    match writing.join_next().await {
        None => Ok(()),
        Some(Ok(outcome)) => outcome.map(|_| ()),
        Some(Err(error)) => {
            let detail = error.to_string();
            Err(StoreError::Unavailable { operation: "PutItem plan", detail })
        }
    }
}
