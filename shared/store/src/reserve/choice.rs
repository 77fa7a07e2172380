//! Which pool serves a request, and how much of it.

use domain::ids::PoolId;
use domain::request::ReserveRequest;

use super::judge::more_telling;
use super::{Reservation, ReserveError};
use crate::Store;

/// How often what is left of a pool is asked for while others empty it.
const PARTIAL_TRIES: u32 = 8;

impl Store {
    /// The first of the pools that has all that is asked for; if none has and fewer will do, what is left of
    /// the fullest.
    pub(super) async fn reservation_open_any(
        &self,
        request: &ReserveRequest,
        pools: &[PoolId],
        now: &str,
    ) -> Result<Reservation, ReserveError> {
        let mut refusal: Option<ReserveError> = None;
        let mut fullest: Option<(u128, &PoolId)> = None;
        for pool in pools {
            match self.cursor_move(request, (pool, request.quantity), now).await {
                Err(
                    error @ (ReserveError::Inactive
                    | ReserveError::Insufficient { .. }
                    | ReserveError::ModeNotAllowed { .. }
                    | ReserveError::SizeLimit { .. }
                    | ReserveError::TooManyOpen),
                ) => {
                    if let ReserveError::Insufficient { available } = error
                        && fullest.is_none_or(|(most, _)| most < available)
                    {
                        fullest = Some((available, pool));
                    }
                    refusal = Some(more_telling(refusal, error));
                }
                outcome => return outcome,
            }
        }
        match fullest {
            Some((available, pool)) if request.terms.allow_partial && available > 0 => {
                self.reservation_open_partial(request, (pool, available), now).await
            }
            _ => Err(refusal.unwrap_or(ReserveError::NoPool)),
        }
    }

    /// Takes what a pool has left. Whoever is quicker leaves less, so this is tried a few times; an entry of
    /// this request that another call has opened meanwhile is resumed with its own size.
    async fn reservation_open_partial(
        &self,
        request: &ReserveRequest,
        (pool, mut available): (&PoolId, u128),
        now: &str,
    ) -> Result<Reservation, ReserveError> {
        for _ in 0..PARTIAL_TRIES {
            let quantity = u64::try_from(available)
                .map_or(request.quantity, |left| left.min(request.quantity));
            match self.cursor_move(request, (pool, quantity), now).await {
                Err(ReserveError::Insufficient { available: left }) if left > 0 => available = left,
                outcome => return outcome,
            }
        }
        Err(ReserveError::Insufficient { available })
    }
}
