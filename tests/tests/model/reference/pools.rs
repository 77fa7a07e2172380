//! Pools, and numbers taken from them.

use domain::ids::{AllocationId, RequestId, SystemId};

use super::{Allocation, Entry, Pool, Range, Reference, Reuse, Status};
use crate::op::{PoolChange, PoolWish, Wish};
use crate::spaces::{FORMS, could_clash};

/// Status and kind of the problem.
pub type Said = (u16, &'static str);

/// An entry that nobody finished is given up after so long, seconds.
const UNFINISHED: i64 = 600;

/// What stopped a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NoPool,
    IdReuse,
    OtherGtin,
    Mode,
    Inactive,
    SizeLimit,
    Insufficient(u64),
}

impl Refusal {
    fn said(self) -> Said {
        match self {
            Self::NoPool => (404, "not-found"),
            Self::IdReuse => (409, "idempotency-key-reuse"),
            Self::OtherGtin => (422, "validation"),
            Self::Mode => (422, "mode-not-allowed"),
            Self::Inactive => (423, "pool-inactive"),
            Self::SizeLimit => (422, "size-limit"),
            Self::Insufficient(_) => (422, "insufficient-serial-numbers"),
        }
    }

    /// Another pool may still serve.
    fn is_of_the_pool(self) -> bool {
        matches!(self, Self::Mode | Self::Inactive | Self::SizeLimit | Self::Insufficient(_))
    }

    /// How much it helps the caller to be told.
    fn rank(self) -> u64 {
        match self {
            Self::Insufficient(_) => 4,
            Self::SizeLimit => 3,
            Self::Inactive => 2,
            Self::Mode => 1,
            Self::NoPool | Self::IdReuse | Self::OtherGtin => 0,
        }
    }
}

/// A request for numbers.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub asker: &'static str,
    pub id: u64,
    pub wish: &'a Wish,
    /// By a process that has read nothing.
    pub afresh: bool,
}

/// The caller's name for a request.
pub fn request_id(id: u64) -> String {
    format!("R{id}")
}

impl Asked<'_> {
    /// The name that follows from the request (I3).
    pub fn allocation_id(&self) -> String {
        let (system, request) =
            (SystemId::parse(self.asker), RequestId::parse(&request_id(self.id)));
        AllocationId::of_request(&system.unwrap(), &request.unwrap()).to_string()
    }
}

impl Reference {
    /// What the creation of a pool is answered.
    pub fn creates(&self, wish: &PoolWish) -> Said {
        let is_bounded = wish.space.is_none_or(|space| wish.to < FORMS[space].capacity());
        if !is_bounded || (wish.eu && wish.space.is_none()) {
            return (422, "validation");
        }
        let claim = (wish.gtin, wish.space, wish.eu);
        self.claims(claim, (wish.from, wish.to), None).err().unwrap_or((201, ""))
    }

    /// Whether a pool may claim numbers next to the others of its product: none of its source are theirs, no
    /// other source prints what its own could, and under the European rules the space stays thin.
    fn claims(
        &self,
        (gtin, space, eu): (&str, Option<usize>, bool),
        (from, to): (u64, u64),
        own: Option<&str>,
    ) -> Result<(), Said> {
        let others = || {
            let others = self.pools.iter().filter(|(id, _)| Some(id.as_str()) != own);
            others.map(|(_, pool)| pool).filter(|pool| pool.gtin == gtin)
        };
        let siblings = || others().filter(|pool| pool.space == space);
        if siblings().any(|pool| pool.from <= to && from <= pool.to) {
            return Err((409, "pool-overlap"));
        }
        if others().any(|pool| pool.space != space && could_clash(pool.space, space)) {
            return Err((409, "space-clash"));
        }
        let Some(space) = space else { return Ok(()) };
        let theirs: u64 = siblings().map(|pool| pool.to - pool.from + 1).sum();
        let total = theirs + (to - from + 1);
        let is_thin = total * 10_000 < FORMS[space].capacity();
        let rules = eu || siblings().any(|pool| pool.eu);
        if rules && !is_thin { Err((422, "validation")) } else { Ok(()) }
    }

    /// A pool that was created.
    pub fn create_pool(&mut self, id: &str, wish: &PoolWish) {
        let pool = Pool {
            gtin: wish.gtin,
            space: wish.space,
            eu: wish.eu,
            reoffer: wish.reoffer,
            from: wish.from,
            to: wish.to,
            active: true,
            max_request: wish.max_request,
            cursor: wish.from,
            remaining: wish.to - wish.from + 1,
            open: [].into(),
            ranges: [].into(),
            runs: [].into(),
            again: [].into(),
        };
        self.pools.insert(id.to_owned(), pool);
    }

    /// Changes a pool.
    pub fn change_pool(&mut self, id: &str, change: PoolChange) -> Said {
        if let PoolChange::Extend(to) = change {
            let own = &self.pools[id];
            if own.space.is_some_and(|space| to >= FORMS[space].capacity()) {
                return (422, "validation");
            }
            let claim = (own.gtin, own.space, own.eu);
            if let Err(said) = self.claims(claim, (own.from, to), Some(id)) {
                return said;
            }
        }
        let Some(pool) = self.pools.get_mut(id) else { return (404, "not-found") };
        match change {
            PoolChange::Suspend => pool.active = false,
            PoolChange::Resume => pool.active = true,
            PoolChange::MaxRequest(max) => pool.max_request = max,
            PoolChange::Reoffer(again) => pool.reoffer = again,
            PoolChange::Extend(to) => {
                pool.remaining += to - pool.to;
                pool.to = to;
            }
        }
        (200, "")
    }

    /// Reserves, as if nobody else were there.
    pub fn reserve(&mut self, asked: Asked) -> Said {
        match self.find_or_open(asked) {
            Err(said) => said,
            Ok(pool) => {
                let id = asked.allocation_id();
                self.record(&pool, asked);
                if let Some(pool) = self.pools.get_mut(&pool) {
                    pool.open.remove(&id);
                }
                (201, "")
            }
        }
    }

    /// Everything that a reservation which died may have left: nothing, its entry, its record with the entry,
    /// or all of it.
    pub fn reserve_in_part(&self, asked: Asked) -> Vec<Self> {
        let (mut opened, mut whole) = (self.clone(), self.clone());
        let mut left = vec![self.clone()];
        if let Ok(pool) = opened.find_or_open(asked) {
            let mut recorded = opened.clone();
            recorded.record(&pool, asked);
            left.extend([opened, recorded]);
        }
        whole.reserve(asked);
        left.push(whole);
        left
    }

    /// Everything that two copies of a request at once may come to: the second one may find nothing, move the
    /// cursor when the first is through, and leave a void range.
    pub fn reserve_twice(&self, asked: Asked) -> Vec<Self> {
        let mut once = self.clone();
        if once.reserve(asked) != (201, "") {
            return vec![once];
        }
        let mut late = once.clone();
        let pools = late.pools_for(asked.wish);
        if let Ok(pool) = late.open(&pools, asked)
            && let Some(pool) = late.pools.get_mut(&pool)
            && let Some(entry) = pool.open.remove(&asked.allocation_id())
        {
            let (size, allocation) = (entry.size, asked.allocation_id());
            let range = Range { size, allocation, void: Some("duplicate-request") };
            pool.ranges.insert(entry.start, range);
            return vec![once, late];
        }
        vec![once]
    }

    fn pools_for(&self, wish: &Wish) -> Vec<String> {
        if let Some(pool) = &wish.pool {
            return vec![pool.clone()];
        }
        let of_gtin = self.pools.iter().filter(|(_, pool)| pool.gtin == wish.gtin);
        let mut pools: Vec<_> = of_gtin.map(|(id, pool)| (pool.from, id.clone())).collect();
        pools.sort();
        pools.into_iter().map(|(_, id)| id).collect()
    }

    /// What a request is answered that was served before.
    pub(super) fn replay(&self, asked: Asked) -> Option<Said> {
        let made = self.allocations.get(&asked.allocation_id())?;
        let same = made.wish == *asked.wish;
        Some(if same { (200, "") } else { Refusal::IdReuse.said() })
    }

    /// What needs no pool's cursor: returned numbers, and a replay.
    fn without_cursor(&mut self, pools: &[String], asked: Asked) -> Result<(), Said> {
        let said = self.reserve_again(pools, asked).or_else(|| self.replay(asked));
        said.map_or(Ok(()), Err)
    }

    /// The first steps: returned numbers are taken, a replay is answered, else some pool's cursor moves.
    fn find_or_open(&mut self, asked: Asked) -> Result<String, Said> {
        // A process that knows no pool of the GTIN reads them before it looks for a replay.
        if asked.wish.pool.is_none() && !asked.afresh {
            let pools = self.pools_for(asked.wish);
            let known = self.known.entry(asked.wish.gtin).or_default();
            if known.is_empty() {
                *known = pools;
            }
        }
        let known = self.known.get(asked.wish.gtin).filter(|_| !asked.afresh);
        let known = known.filter(|known| !known.is_empty() && asked.wish.pool.is_none()).cloned();
        if let Some(known) = known {
            self.without_cursor(&known, asked)?;
            match self.open(&known, asked) {
                Err(refusal) if refusal.is_of_the_pool() => {}
                outcome => return outcome.map_err(Refusal::said),
            }
        }
        let pools = self.pools_for(asked.wish);
        if asked.wish.pool.is_none() && !asked.afresh {
            self.known.insert(asked.wish.gtin, pools.clone());
        }
        self.without_cursor(&pools, asked)?;
        self.open(&pools, asked).map_err(Refusal::said)
    }

    /// The first pool that has all of it, else what the fullest has left.
    fn open(&mut self, pools: &[String], asked: Asked) -> Result<String, Refusal> {
        let (mut worst, mut fullest) = (Refusal::NoPool, None);
        for pool in pools {
            match self.take(pool, asked, asked.wish.quantity) {
                Ok(()) => return Ok(pool.clone()),
                Err(refusal) if refusal.is_of_the_pool() => {
                    if let Refusal::Insufficient(left) = refusal
                        && fullest.is_none_or(|(most, _)| most < left)
                    {
                        fullest = Some((left, pool));
                    }
                    if refusal.rank() >= worst.rank() {
                        worst = refusal;
                    }
                }
                Err(refusal) => return Err(refusal),
            }
        }
        match fullest {
            Some((left, pool)) if asked.wish.partial && left > 0 => {
                self.take(pool, asked, left.min(asked.wish.quantity)).map(|()| pool.clone())
            }
            _ => Err(worst),
        }
    }

    fn take(&mut self, pool: &str, asked: Asked, size: u64) -> Result<(), Refusal> {
        let (id, now) = (asked.allocation_id(), self.now);
        let pool = self.pools.get_mut(pool).ok_or(Refusal::NoPool)?;
        if let Some(entry) = pool.open.get(&id) {
            return if entry.wish == *asked.wish { Ok(()) } else { Err(Refusal::IdReuse) };
        }
        if pool.gtin != asked.wish.gtin {
            return Err(Refusal::OtherGtin);
        }
        if !asked.wish.mode.fits(pool.space.is_some()) {
            return Err(Refusal::Mode);
        }
        if !pool.active {
            return Err(Refusal::Inactive);
        }
        if asked.wish.quantity > pool.max_request {
            return Err(Refusal::SizeLimit);
        }
        if pool.remaining < size {
            return Err(Refusal::Insufficient(pool.remaining));
        }
        let entry = Entry { start: pool.cursor, size, wish: asked.wish.clone(), at: now };
        pool.open.insert(id, entry);
        pool.cursor += size;
        pool.remaining -= size;
        Ok(())
    }

    /// The entry becomes an allocation.
    fn record(&mut self, pool_id: &str, asked: Asked) {
        let id = &asked.allocation_id();
        let Some(pool) = self.pools.get_mut(pool_id) else { return };
        let Some(entry) = pool.open.get(id).cloned() else { return };
        let range = Range { size: entry.size, allocation: id.clone(), void: None };
        pool.ranges.insert(entry.start, range);
        self.allocate(pool_id, asked, (entry.start, entry.size, entry.at), Reuse::None);
    }

    /// The numbers of a pool from the first on are those of a request, which was served at a time.
    pub(super) fn allocate(
        &mut self,
        pool: &str,
        asked: Asked,
        (start, size, at): (u64, u64, i64),
        reuse: Reuse,
    ) {
        let minutes = asked.wish.hold_minutes.map(|minutes| i64::try_from(minutes).unwrap());
        let hold = minutes.map(|minutes| (at + minutes * 60, false));
        let allocation = Allocation {
            system: asked.asker,
            request: asked.id,
            pool: pool.to_owned(),
            start,
            size,
            status: if hold.is_some() { Status::Pending } else { Status::Reserved },
            reuse,
            ending: super::Ending::default(),
            hold,
            wish: asked.wish.clone(),
        };
        self.allocations.insert(asked.allocation_id(), allocation);
    }

    /// The sweep gives up entries that nobody finished; what was recorded stays.
    pub fn sweep_pools(&mut self) {
        let before = self.now - UNFINISHED;
        for pool in self.pools.values_mut() {
            let old = pool.open.iter().filter(|(_, entry)| entry.at < before);
            let old: Vec<_> = old.map(|(id, entry)| (id.clone(), entry.clone())).collect();
            for (id, entry) in old {
                let range =
                    Range { size: entry.size, allocation: id.clone(), void: Some("unfinished") };
                pool.ranges.entry(entry.start).or_insert(range);
                pool.open.remove(&id);
            }
        }
    }
}
