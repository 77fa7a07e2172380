//! SSCCs: which of our company prefixes one belongs to, and which allocation.
//!
//! An SSCC does not say how long its company prefix is. So all pools of SSCCs are known by their claims, read
//! with the first SSCC of a document; a pool itself is read with the first of its numbers. A document full of
//! foreign SSCCs costs one read and no memory.

use domain::ids::PoolId;
use domain::numbering::Numbering;
use domain::object_key::ObjectKey;
use domain::pool::Scheme;
use domain::sscc::{Sscc, SsccPrefix};

use super::{Catalog, Found, LookupError, PoolEntry, Spelling, Way};

/// What is known of the pools of SSCCs.
#[derive(Debug)]
pub(super) struct Ssccs {
    /// The number that the pools have among those of GTINs.
    group: usize,
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    prefix: SsccPrefix,
    first: u128,
    last: u128,
    pool: PoolId,
    /// Where the pool is in its group, once it was read.
    at: Option<usize>,
}

/// Whose an SSCC is.
enum Whose {
    /// Of nobody here.
    Nobody,
    /// Of a company prefix of ours, but of no pool.
    Prefix(SsccPrefix, u128),
    /// Of the pool of a claim.
    Pool(usize, u128),
}

impl Ssccs {
    fn whose(&self, sscc: &Sscc) -> Whose {
        let mut whose = Whose::Nobody;
        for (number, claim) in self.claims.iter().enumerate() {
            let Some(index) = claim.prefix.reference(sscc) else { continue };
            if (claim.first..=claim.last).contains(&index) {
                return Whose::Pool(number, index);
            }
            whose = Whose::Prefix(claim.prefix, index);
        }
        whose
    }
}

impl Catalog {
    /// Looks an SSCC up; `None` when no pool has its company prefix and extension digit.
    pub fn find_sscc(&mut self, sscc: &Sscc) -> Result<Option<Found>, LookupError> {
        let ssccs = match self.ssccs.take() {
            Some(ssccs) => ssccs,
            None => self.read_ssccs()?,
        };
        let whose = ssccs.whose(sscc);
        self.ssccs = Some(ssccs);
        match whose {
            Whose::Nobody => Ok(None),
            Whose::Prefix(prefix, index) => {
                let way = self.way_of_prefix(prefix);
                Ok(Some(Found::Unreserved { index, way, provisional: false }))
            }
            Whose::Pool(claim, index) => self.find_claimed(claim, index).map(Some),
        }
    }

    fn read_ssccs(&mut self) -> Result<Ssccs, LookupError> {
        let claims = self.runtime.block_on(self.store.pools_of_ssccs())?;
        let claim = |claim: store::pool::Boundary| {
            let prefix = claim.sscc_prefix()?;
            Some(Claim { prefix, first: claim.from, last: claim.to, pool: claim.pool_id, at: None })
        };
        let claims = claims.into_iter().filter_map(claim).collect();
        let group = self.pools.len();
        self.pools.push(Vec::new());
        Ok(Ssccs { group, claims })
    }

    fn find_claimed(&mut self, number: usize, index: u128) -> Result<Found, LookupError> {
        let claim = self.ssccs.as_ref().and_then(|ssccs| {
            let claim = ssccs.claims.get(number)?;
            Some((ssccs.group, claim.prefix, claim.pool.clone(), claim.at))
        });
        let Some((group, prefix, pool, at)) = claim else { return Ok(Found::NotOfScheme) };
        let way = self.way_of_prefix(prefix);
        let at = match at {
            Some(at) => at,
            None => match self.read_claimed(group, &pool, way)? {
                Some(at) => at,
                None => return Ok(Found::Unreserved { index, way, provisional: true }),
            },
        };
        if let Some(claim) = self.ssccs.as_mut().and_then(|ssccs| ssccs.claims.get_mut(number)) {
            claim.at = Some(at);
        }
        let entry = self.pools.get(group).and_then(|pools| pools.get(at));
        let bounds = entry.map(|entry| (entry.state.pool.draft.from, entry.state.pool.draft.to));
        // A claim reaches up to where the pool may grow to by itself.
        if bounds.is_none_or(|(from, to)| !(from..=to).contains(&index)) {
            return Ok(Found::Unreserved { index, way, provisional: false });
        }
        self.find_in((group, at), index, way)
    }

    /// Reads a pool into its group; `None` when there is no such pool.
    fn read_claimed(
        &mut self,
        group: usize,
        pool: &PoolId,
        way: usize,
    ) -> Result<Option<usize>, LookupError> {
        let Some(state) = self.runtime.block_on(self.store.pool_fetch(pool))? else {
            return Ok(None);
        };
        let Some(pools) = self.pools.get_mut(group) else { return Ok(None) };
        pools.push(PoolEntry { state, way, list: None, spans: Vec::new(), hot: 0 });
        Ok(pools.len().checked_sub(1))
    }

    /// The number of the way in which SSCCs of a prefix are written.
    fn way_of_prefix(&mut self, prefix: SsccPrefix) -> usize {
        let scheme = Scheme::Sequential { width: prefix.reference_digits() };
        let spelling = Spelling::of(ObjectKey::Sscc(prefix), scheme);
        if let Some(number) = self.ways.number(spelling) {
            return number;
        }
        let company_prefix_length = prefix.company_prefix_length();
        self.ways.add(Way { spelling, numbering: Numbering::Sscc(prefix), company_prefix_length })
    }
}
