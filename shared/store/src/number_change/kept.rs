//! The decision of a change as it is kept: JSON that says which numbers of which blocks meet which fate.
//!
//! The bytes follow from what was decided alone, so the same decision has the same hash. Numbers are indexes
//! from the allocation's first one, block by block, as sets in base64: serial texts follow from the scheme.

use data_encoding::BASE64;
use domain::allocation::Allocation;
use domain::bitmap::BlockSet;
use domain::give_back::Fate;
use domain::ids::AllocationId;
use serde::{Deserialize, Serialize};

use super::{KIND, Request, Selection};
use crate::time::parse_rfc3339;

/// The form of the JSON.
const FORM: u32 = 1;

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    kind: String,
    form: u32,
    change_id: String,
    allocation_id: String,
    gtin: String,
    fate: String,
    reason: String,
    actor: String,
    system_id: String,
    key: String,
    at: String,
    selected: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    block: u32,
    numbers: String,
}

/// What a kept decision says, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The change.
    pub change_id: String,
    /// The allocation.
    pub allocation_id: AllocationId,
    /// What is to become of the numbers.
    pub fate: Fate,
    /// When it was decided, milliseconds since 1970.
    pub time_ms: i64,
    /// By block, ascending; none of the sets is empty.
    pub blocks: Vec<(u32, BlockSet)>,
}

impl Decision {
    pub(super) fn of(
        allocation: &Allocation,
        request: &Request<'_>,
        (blocks, now): (&[(u32, BlockSet)], &str),
    ) -> Self {
        let selected = match &request.selection {
            Selection::AllUnused => "all_unused",
            Selection::Runs(_) => "numbers",
        };
        let block = |(block, set): &(u32, BlockSet)| Block {
            block: *block,
            numbers: BASE64.encode(&set.encode()),
        };
        Self {
            kind: KIND.to_owned(),
            form: FORM,
            change_id: request.id(&allocation.id),
            allocation_id: allocation.id.to_string(),
            gtin: allocation.key.to_string(),
            fate: request.fate.as_str().to_owned(),
            reason: request.reason.to_owned(),
            actor: request.actor.to_owned(),
            system_id: request.requester.to_string(),
            key: request.key.to_string(),
            at: now.to_owned(),
            selected: selected.to_owned(),
            blocks: blocks.iter().map(block).collect(),
        }
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A struct of texts and numbers is always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads kept bytes; `None` when they are no decision of this form.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Read> {
        let decision: Self = serde_json::from_slice(bytes).ok()?;
        if decision.kind != KIND || decision.form != FORM {
            return None;
        }
        let mut blocks: Vec<(u32, BlockSet)> = Vec::with_capacity(decision.blocks.len());
        for block in &decision.blocks {
            let set = BlockSet::decode(&BASE64.decode(block.numbers.as_bytes()).ok()?).ok()?;
            let ascends = blocks.last().is_none_or(|(before, _)| *before < block.block);
            if set.is_empty() || !ascends {
                return None;
            }
            blocks.push((block.block, set));
        }
        let at = parse_rfc3339(&decision.at)?;
        let time_ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
        Some(Read {
            change_id: decision.change_id,
            allocation_id: AllocationId::parse(&decision.allocation_id).ok()?,
            fate: Fate::parse(&decision.fate)?,
            time_ms: i64::try_from(time_ms).ok()?,
            blocks,
        })
    }
}
