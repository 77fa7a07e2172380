//! How much of a space may be given out.
//!
//! Delegated Regulation (EU) 2016/161, article 4(c): the probability that a serial number can be guessed
//! is negligible and in any case lower than one in ten thousand. Who knows the form of a space and
//! nothing else hits a number that was given out with the probability numbers / texts. All pools of the
//! space count, with what they may grow to: pools differ in their indexes, which a guesser does not see.

/// One in so many guesses may hit, less is allowed.
pub const GUESS_ODDS: u128 = 10_000;

/// What a pool takes of its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShare {
    /// How many numbers it may ever give out, extensions included.
    pub ceiling: u128,
    /// Whether it asks for the European rules. They hold for the whole space if one pool does.
    pub eu_rules: bool,
}

/// The pools of a space are too large for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pools of this space may give out {total} numbers together, {limit} is the most: \
     more than one guess in 10000 would hit one of {capacity} texts"
)]
pub struct DensityError {
    /// What the pools may give out together.
    pub total: u128,
    /// The most they may.
    pub limit: u128,
    /// How many texts the space has.
    pub capacity: u128,
}

/// How many numbers may be given out of `capacity` texts: `numbers / capacity < 1 / 10,000`, strictly.
#[must_use]
pub fn density_limit(capacity: u128) -> u128 {
    capacity.saturating_sub(1) / GUESS_ODDS
}

/// Checks all pools of a space together, the new one among them.
pub fn check_density(
    capacity: u128,
    pools: impl IntoIterator<Item = PoolShare>,
) -> Result<(), DensityError> {
    let (mut total, mut eu_rules) = (0_u128, false);
    for pool in pools {
        total = total.saturating_add(pool.ceiling);
        eu_rules |= pool.eu_rules;
    }
    let limit = density_limit(capacity);
    if eu_rules && total > limit {
        return Err(DensityError { total, limit, capacity });
    }
    Ok(())
}
