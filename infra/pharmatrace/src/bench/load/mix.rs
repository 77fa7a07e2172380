//! What callers do, and how often: the traffic of a plant with several lines.

/// Something a caller does, of one or more calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// Reserve numbers.
    Reserve,
    /// Ask with an id that was answered before.
    Replay,
    /// Fetch an allocation.
    Get,
    /// A page of allocations.
    List,
    /// The numbers of an allocation as CSV, inline.
    Export,
    /// The same where the answer is the address of a file.
    ExportFile,
    /// A batch of heartbeats.
    Telemetry,
    /// The scorecard.
    Scorecard,
    /// An upload address, and the file put there.
    Upload,
    /// Ask what became of a file.
    Status,
    /// From the file to its report; work of the hub, not a call.
    Reconcile,
}

impl Operation {
    /// In the order of the table.
    pub(super) const ALL: [Self; 11] = [
        Self::Reserve,
        Self::Replay,
        Self::Get,
        Self::List,
        Self::Export,
        Self::ExportFile,
        Self::Telemetry,
        Self::Scorecard,
        Self::Upload,
        Self::Status,
        Self::Reconcile,
    ];

    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Replay => "replay",
            Self::Get => "get",
            Self::List => "list",
            Self::Export => "export",
            Self::ExportFile => "export file",
            Self::Telemetry => "telemetry",
            Self::Scorecard => "scorecard",
            Self::Upload => "upload",
            Self::Status => "status",
            Self::Reconcile => "reconcile",
        }
    }
}

/// How many of a hundred operations are which. An export may turn out to be a file, and an upload draws
/// questions after its status with it.
const MIX: [(Operation, u64); 8] = [
    (Operation::Reserve, 20),
    (Operation::Replay, 8),
    (Operation::Get, 22),
    (Operation::List, 8),
    (Operation::Export, 12),
    (Operation::Telemetry, 20),
    (Operation::Scorecard, 3),
    (Operation::Upload, 7),
];

/// Sizes of orders: how many of a hundred are below which size, and above the one before.
const SIZES: [(u64, u64); 4] = [(60, 1_000), (30, 5_000), (8, 20_000), (2, 60_000)];
const SIZE_MIN: u64 = 50;

/// Numbers that look random and are the same for the same seed (xorshift64*).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice of their own for each caller.
    pub(super) fn new(seed: u64, caller: u64) -> Self {
        let mixed =
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ caller.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Self(mixed | 1)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        drawn.checked_rem(bound).unwrap_or(0)
    }

    /// What to do next.
    pub(super) fn operation(&mut self) -> Operation {
        let mut drawn = self.below(MIX.iter().map(|(_, share)| share).sum());
        for (operation, share) in MIX {
            match drawn.checked_sub(share) {
                Some(rest) => drawn = rest,
                None => return operation,
            }
        }
        Operation::Get
    }

    /// How many numbers to reserve.
    pub(super) fn size(&mut self) -> u64 {
        let mut drawn = self.below(SIZES.iter().map(|(share, _)| share).sum());
        let mut least = SIZE_MIN;
        for (share, below) in SIZES {
            match drawn.checked_sub(share) {
                Some(rest) => drawn = rest,
                None => return least.saturating_add(self.below(below.saturating_sub(least))),
            }
            least = below;
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_do_what_the_mix_says_and_the_same_for_the_same_seed() {
        let drawn = |seed| -> Vec<Operation> {
            let mut dice = Dice::new(seed, 3);
            (0..20_000).map(|_| dice.operation()).collect()
        };
        let first = drawn(7);
        assert_eq!(drawn(7), first);
        assert_ne!(drawn(8), first);
        for (operation, share) in MIX {
            let found = first.iter().filter(|one| **one == operation).count();
            let expected = usize::try_from(share).unwrap() * 200;
            assert!(found.abs_diff(expected) < 300, "{operation:?}: {found} of {expected}");
        }
    }

    #[test]
    fn sizes_stay_within_their_bounds() {
        let mut dice = Dice::new(1, 1);
        let sizes: Vec<u64> = (0..20_000).map(|_| dice.size()).collect();
        assert!(sizes.iter().all(|size| (SIZE_MIN..60_000).contains(size)));
        assert!(sizes.iter().any(|size| *size < 100) && sizes.iter().any(|size| *size > 50_000));
    }
}
