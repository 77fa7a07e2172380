//! The write of a posting: decided on the state that was read, and made only if that is still the state.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::{Put, ReturnConsumedCapacity, TransactWriteItem};
use domain::bitmap::BlockSet;
use domain::fact::Fact;
use domain::give_back::Fate;
use domain::ledger::{BlockState, Claim, Draft, Posting, Terms, judge, needs_history, unsettled};

use super::review::Posted;
use super::{Place, posting_item, state_item};
use crate::Store;
use crate::allocation::Gain;
use crate::error::{StoreError, sdk_error};
use crate::item::number;
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::{built, is_cancelled};
use crate::returned::Offer;

/// How often a posting is judged again after somebody else changed the block.
const APPLY_TRIES: u32 = 40;
/// The step of the pauses between these tries, milliseconds.
const APPLY_PAUSE_MS: u64 = 5;

/// Numbers of a block that somebody gives up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivenUp<'a> {
    /// Those asked for.
    pub(crate) wanted: &'a BlockSet,
    /// What is to become of them.
    pub(crate) fate: Fate,
    /// When, milliseconds since 1970.
    pub(crate) time_ms: i64,
    /// How many numbers the block has.
    pub(crate) size: u32,
    /// Where they are offered again.
    pub(crate) offer: Option<Offer<'a>>,
}

/// What a document says about a block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    /// The same whatever is known.
    Fixed(&'a Draft, &'a Terms),
    /// Only of what nobody has used by then.
    GivenUp(GivenUp<'a>),
}

impl Said<'_> {
    /// The draft next to what is known of the block.
    fn draft(&self, state: &BlockState) -> Cow<'_, Draft> {
        match self {
            Self::Fixed(draft, _) => Cow::Borrowed(draft),
            Self::GivenUp(given) => Cow::Owned(given.draft(state)),
        }
    }

    fn terms(&self) -> Cow<'_, Terms> {
        match self {
            Self::Fixed(_, terms) => Cow::Borrowed(terms),
            Self::GivenUp(_) => Cow::Owned(Terms::default()),
        }
    }
}

impl GivenUp<'_> {
    fn draft(&self, state: &BlockState) -> Draft {
        let mut draft = Draft::default();
        let open = self.fate.open(state, self.size).intersection(self.wanted);
        if !open.is_empty() {
            let (fact, time_ms) = (self.fate.fact(), self.time_ms);
            let (lot, expiry) = (None, None);
            // Said of numbers: that one is destroyed supposes no pack.
            let claim = Claim { fact, lot, expiry, time_ms, ordinal: 1, is_bare: true };
            draft.assert_all(&claim, &open);
        }
        draft
    }
}

impl Store {
    /// Posts what a document says about a block at a time (RFC 3339), unless it has been posted before, and gives
    /// the posting that is stored, with what it changed: the same for every delivery.
    ///
    /// # Errors
    /// `Conflict` when the block did not come to rest in many tries: try again later.
    pub async fn block_apply(
        &self,
        at: (Place<'_>, &str),
        draft: &Draft,
        terms: &Terms,
        meter: &Meter,
    ) -> Result<(Posting, Gain), StoreError> {
        self.block_post(at, Said::Fixed(draft, terms), meter).await
    }

    /// The same with the documents that are to be judged again because of it.
    ///
    /// # Errors
    /// As [`Store::block_apply`].
    pub async fn block_judge(
        &self,
        at: (Place<'_>, &str),
        draft: &Draft,
        terms: &Terms,
        meter: &Meter,
    ) -> Result<Posted, StoreError> {
        self.block_posted(at, Said::Fixed(draft, terms), meter).await
    }

    /// The same for whatever is said of a block.
    pub(crate) async fn block_post(
        &self,
        at: (Place<'_>, &str),
        said: Said<'_>,
        meter: &Meter,
    ) -> Result<(Posting, Gain), StoreError> {
        let posted = self.block_posted(at, said, meter).await?;
        Ok((posted.posting, posted.gain))
    }

    async fn block_posted(
        &self,
        (place, now): (Place<'_>, &str),
        said: Said<'_>,
        meter: &Meter,
    ) -> Result<Posted, StoreError> {
        let terms = said.terms();
        for attempt in 0..APPLY_TRIES {
            let (state, posted) = self.block_and_posting(place).await?;
            if let Some(posted) = posted {
                if let Some(posted) = self.block_review(place, posted, &state, meter).await? {
                    return Ok(posted);
                }
                pause(attempt, APPLY_PAUSE_MS).await;
                continue;
            }
            let draft = said.draft(&state);
            self.returned_withdraw(place, (&named(&draft, &state), now)).await?;
            // Read after the state: a posting that came between changes the version, and the
            // condition below sends us round again.
            let known = if needs_history(&draft, &state) {
                self.block_postings(place.allocation, place.block).await?
            } else {
                Vec::new()
            };
            let (names, others): (Vec<String>, Vec<Posting>) = known.into_iter().unzip();
            let (posting, after) = judge(draft.into_owned(), &state, &others, &terms);
            let gain = Gain::between(&state, &after);
            let more = self.offered(place, said, &posting, &after)?;
            if self.block_write((place, more), (&posting, gain), &after, meter).await? {
                let known = names.into_iter().zip(&others);
                let unsettled = known.filter(|(_, other)| unsettled(other, &after));
                let unsettled = unsettled.map(|(name, _)| name).collect();
                return Ok(Posted { posting, gain, unsettled });
            }
            pause(attempt, APPLY_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the ledger block" })
    }

    /// What is offered again with a posting. Nothing of a block in which facts were ever taken back: there some
    /// document may name a number of which nothing is known.
    fn offered(
        &self,
        place: Place<'_>,
        said: Said<'_>,
        posting: &Posting,
        after: &BlockState,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        match said {
            Said::GivenUp(GivenUp { offer: Some(offer), fate: Fate::Return, .. })
                if !after.retracted =>
            {
                self.returned_puts(place, offer, &posting.stated(Fact::Returned))
            }
            Said::GivenUp(_) | Said::Fixed(..) => Ok(Vec::new()),
        }
    }

    /// One transaction; `false` when a condition failed or another transaction was in the way.
    async fn block_write(
        &self,
        (place, more): (Place<'_>, Vec<TransactWriteItem>),
        (posting, gain): (&Posting, Gain),
        after: &BlockState,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let version = after.version.saturating_add(1);
        let state = Put::builder().table_name(&*self.table).set_item(Some(state_item(
            place.allocation,
            place.block,
            after,
            version,
        )));
        // I5: nobody changed the block since it was judged.
        let state = if after.version == 0 {
            state.condition_expression("attribute_not_exists(pk)")
        } else {
            state
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(after.version))
        };
        let state = state.build().map_err(|error| built(&error))?;
        let mut writes = vec![
            TransactWriteItem::builder().put(state).build(),
            // I5: this document has no posting here yet.
            self.put_new(posting_item(place, posting, gain))?,
        ];
        writes.extend(more);
        let outcome = self
            .dynamo
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems block", &error)),
        }
    }
}

/// Returned numbers that a draft names, whatever it says of them.
fn named(draft: &Draft, state: &BlockState) -> BlockSet {
    let returned = state.of(Fact::Returned);
    if returned.is_empty() {
        return BlockSet::EMPTY;
    }
    let mut named = BlockSet::new();
    for group in &draft.groups {
        named.union_with(&group.serials);
    }
    for (_, serials) in &draft.retractions {
        named.union_with(serials);
    }
    named.intersection(returned)
}
