//! Which numbers of which blocks a request is about, next to what is known of them.

use std::collections::BTreeMap;

use domain::allocation::Allocation;
use domain::bitmap::{BlockSet, Offset, place};
use domain::give_back::Fate;
use domain::ledger::{BlockState, block_size};

use super::{BLOCKS_MAX, GiveUpError, NAMED_MAX, Request, Selection};
use crate::Store;

/// Numbers of a block.
const BLOCK: u64 = 32_768;

impl Store {
    /// The numbers that are to meet the fate, by block, ascending; none of the sets is empty.
    pub(super) async fn numbers_decide(
        &self,
        allocation: &Allocation,
        request: &Request<'_>,
    ) -> Result<Vec<(u32, BlockSet)>, GiveUpError> {
        match &request.selection {
            Selection::AllUnused => self.numbers_unused(allocation, request.fate).await,
            Selection::Runs(runs) => {
                let blocks = by_block(runs)?;
                let states =
                    self.blocks_of(&allocation.id, blocks.keys().copied()).await?.into_iter();
                let states: BTreeMap<u32, BlockState> = states.collect();
                all_open(allocation, (&blocks, &states), request.fate)?;
                Ok(blocks.into_iter().collect())
            }
        }
    }

    async fn numbers_unused(
        &self,
        allocation: &Allocation,
        fate: Fate,
    ) -> Result<Vec<(u32, BlockSet)>, GiveUpError> {
        let count = allocation.size.div_ceil(BLOCK);
        let last = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
        let states = self.block_list(&allocation.id, 0, last).await?;
        let mut states = states.into_iter().peekable();
        let (mut open, mut blocks, none) = (Vec::new(), 0_usize, BlockState::default());
        for block in 0..=last {
            let known = states.next_if(|(known, _)| *known == block);
            let state = known.as_ref().map_or(&none, |(_, state)| state);
            let set = fate.open(state, block_size(allocation.size, block));
            if set.is_empty() {
                continue;
            }
            blocks = blocks.saturating_add(1);
            // Beyond the limit only the count is of use.
            if blocks <= BLOCKS_MAX {
                open.push((block, set));
            }
        }
        if blocks > BLOCKS_MAX { Err(GiveUpError::TooManyBlocks { blocks }) } else { Ok(open) }
    }
}

/// The numbers of runs by block.
fn by_block(runs: &[(u64, u64)]) -> Result<BTreeMap<u32, BlockSet>, GiveUpError> {
    let mut blocks: BTreeMap<u32, BlockSet> = BTreeMap::new();
    let touched = runs.iter().fold(0_u64, |sum, (first, last)| {
        let (low, high) = (first / BLOCK, last / BLOCK);
        sum.saturating_add(high.saturating_sub(low))
    });
    // Runs may share blocks, but not by more than one each: what is far beyond is not taken apart.
    if touched > u64::try_from(BLOCKS_MAX).unwrap_or(u64::MAX) {
        let blocks = usize::try_from(touched).unwrap_or(usize::MAX).saturating_add(1);
        return Err(GiveUpError::TooManyBlocks { blocks });
    }
    for (first, last) in runs {
        let mut at = *first;
        while at <= *last {
            let Some((block, low)) = place(u128::from(at)) else { break };
            let end = at.saturating_sub(at % BLOCK);
            let end = end.saturating_add(BLOCK).saturating_sub(1).min(*last);
            let high = u32::try_from(end % BLOCK).ok().and_then(Offset::new);
            blocks.entry(block).or_default().union_with(&BlockSet::span(low, high.unwrap_or(low)));
            at = end.saturating_add(1);
        }
    }
    if blocks.len() > BLOCKS_MAX {
        return Err(GiveUpError::TooManyBlocks { blocks: blocks.len() });
    }
    Ok(blocks)
}

/// Refuses the whole when one of the numbers is not open to the fate.
fn all_open(
    allocation: &Allocation,
    (blocks, states): (&BTreeMap<u32, BlockSet>, &BTreeMap<u32, BlockState>),
    fate: Fate,
) -> Result<(), GiveUpError> {
    let (mut count, mut first, none) = (0_u64, Vec::new(), BlockState::default());
    for (block, wanted) in blocks {
        let state = states.get(block).unwrap_or(&none);
        let closed = wanted.difference(&fate.open(state, block_size(allocation.size, *block)));
        count = count.saturating_add(closed.len().into());
        let base = u64::from(*block).saturating_mul(BLOCK);
        let room = NAMED_MAX.saturating_sub(first.len());
        first.extend(closed.iter().take(room).map(|at| base.saturating_add(at.get().into())));
    }
    if count == 0 { Ok(()) } else { Err(GiveUpError::Used { count, first }) }
}

#[cfg(test)]
mod tests {
    use domain::bitmap::BLOCK_SIZE;

    use super::*;

    #[test]
    fn runs_fall_into_blocks_up_to_the_limit() {
        let size = u64::from(BLOCK_SIZE);
        assert_eq!(size, BLOCK);
        let found = by_block(&[(5, 9), (11, 11), (size - 1, 2 * size)]).unwrap();
        let lens: Vec<(u32, u32)> = found.iter().map(|(block, set)| (*block, set.len())).collect();
        assert_eq!(lens, [(0, 7), (1, BLOCK_SIZE), (2, 1)]);
        let most = u64::try_from(BLOCKS_MAX).unwrap();
        assert_eq!(by_block(&[(0, most * size - 1)]).unwrap().len(), BLOCKS_MAX);
        for runs in [vec![(0, most * size)], vec![(0, 0), (size, most * size)], vec![(0, u64::MAX)]]
        {
            let refused = by_block(&runs).unwrap_err();
            assert!(
                matches!(refused, GiveUpError::TooManyBlocks { blocks } if blocks > BLOCKS_MAX)
            );
        }
        let apart: Vec<(u64, u64)> = (0..=most).map(|n| (n * size, n * size)).collect();
        assert!(matches!(by_block(&apart), Err(GiveUpError::TooManyBlocks { blocks: 101 })));
    }
}
