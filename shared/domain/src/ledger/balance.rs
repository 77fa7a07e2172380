//! I4: where every reserved number is.

use super::state::BlockState;
use crate::bitmap::BLOCK_SIZE;
use crate::fact::Fact;

/// The place a serial is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// On a pack.
    Commissioned,
    /// On a label that is no pack yet.
    Encoded,
    /// On a rejected label.
    Scrapped,
    /// Taken as a sample.
    Sampled,
    /// Taken off its pack.
    Decommissioned,
    /// Destroyed with its pack.
    Destroyed,
    /// Given back unused.
    Returned,
    /// Never to be used.
    Deactivated,
    /// Nothing is known yet.
    Outstanding,
}

impl Bucket {
    /// All buckets, in the order in which I4 names them.
    pub const ALL: [Self; 9] = [
        Self::Commissioned,
        Self::Encoded,
        Self::Scrapped,
        Self::Sampled,
        Self::Decommissioned,
        Self::Destroyed,
        Self::Returned,
        Self::Deactivated,
        Self::Outstanding,
    ];

    /// The bucket of a serial whose first fact by precedence is this.
    #[must_use]
    pub const fn of(fact: Fact) -> Self {
        match fact {
            Fact::Commissioned => Self::Commissioned,
            Fact::Encoded => Self::Encoded,
            Fact::Scrapped => Self::Scrapped,
            Fact::Sampled => Self::Sampled,
            Fact::Decommissioned => Self::Decommissioned,
            Fact::Destroyed => Self::Destroyed,
            Fact::Returned => Self::Returned,
            Fact::Deactivated => Self::Deactivated,
        }
    }

    /// The word used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commissioned => "commissioned",
            Self::Encoded => "encoded",
            Self::Scrapped => "scrapped",
            Self::Sampled => "sampled",
            Self::Decommissioned => "decommissioned",
            Self::Destroyed => "destroyed",
            Self::Returned => "returned",
            Self::Deactivated => "deactivated",
            Self::Outstanding => "outstanding",
        }
    }

    fn position(self) -> usize {
        Self::ALL.into_iter().position(|bucket| bucket == self).unwrap_or_default()
    }
}

/// How many serials are in each bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets([u64; 9]);

impl Buckets {
    /// The number of serials in a bucket.
    #[must_use]
    pub fn get(&self, bucket: Bucket) -> u64 {
        self.0.get(bucket.position()).copied().unwrap_or_default()
    }

    /// Counts serials into a bucket.
    pub fn add(&mut self, bucket: Bucket, count: u64) {
        if let Some(slot) = self.0.get_mut(bucket.position()) {
            *slot = slot.saturating_add(count);
        }
    }

    /// All serials.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The balance of an allocation (I4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Numbers reserved.
    pub reserved: u64,
    /// Where they are.
    pub buckets: Buckets,
    /// A block had facts of numbers that the allocation does not have.
    pub overflow: bool,
}

impl Balance {
    /// Adds up the blocks of an allocation of `reserved` numbers; blocks that are not given are
    /// untouched. With `over` (closed or voided) what is outstanding is deactivated.
    pub fn of<'a>(
        reserved: u64,
        over: bool,
        blocks: impl IntoIterator<Item = (u32, &'a BlockState)>,
    ) -> Self {
        let mut balance = Self { reserved, buckets: Buckets::default(), overflow: false };
        let mut untouched = reserved;
        for (block, state) in blocks {
            let size = block_size(reserved, block);
            untouched = untouched.saturating_sub(u64::from(size));
            match state.buckets(size) {
                None => balance.overflow = true,
                Some(found) => {
                    for bucket in Bucket::ALL {
                        balance.count(bucket, over, found.get(bucket));
                    }
                }
            }
        }
        balance.count(Bucket::Outstanding, over, untouched);
        balance
    }

    fn count(&mut self, bucket: Bucket, over: bool, count: u64) {
        let into = if over && bucket == Bucket::Outstanding { Bucket::Deactivated } else { bucket };
        self.buckets.add(into, count);
    }

    /// Whether I4 holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.overflow && self.buckets.sum() == self.reserved
    }
}

/// How many serials the `block`-th block of an allocation of `reserved` numbers has.
#[must_use]
pub fn block_size(reserved: u64, block: u32) -> u32 {
    let before = u64::from(block).saturating_mul(u64::from(BLOCK_SIZE));
    let rest = reserved.saturating_sub(before).min(u64::from(BLOCK_SIZE));
    u32::try_from(rest).unwrap_or(BLOCK_SIZE)
}
