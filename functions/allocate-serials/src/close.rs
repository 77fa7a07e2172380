//! `POST /{id}/close`: the end of a batch.
//!
//! What the line reports is compared with the ledger, counted anew from its blocks. What fits closes the
//! allocation; what does not makes it wait for a review, with findings. Either way the decision is one
//! transaction and has its batch document (decision 0025).
//!
//! Idempotent: the same request again gives the same answer, `Idempotent-Replay: true`. With an
//! `Idempotency-Key` that holds also when the run was reopened in between; the key with another body is
//! refused. Another request for a run that is over is refused (409).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::allocation::{Allocation, AllocationStatus, Transition, TransitionError};
use domain::closing::{Batch, CloseRequest, DECISIONS_MAX, Decision, ReportError, Unused, Verdict};
use domain::finding::{Finding, Subject};
use domain::give_back::Fate;
use domain::ids::{RequestId, SystemId};
use domain::ledger::Bucket;
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::{HeaderMap, HeaderValue};
use service::store_problem;
use store::StoreError;
use store::allocation::ChangeError;
use store::closing::{Closing, Effects, Hashes, Seen, content_sha256};
use store::finding::FindingRecord;
use store::number_change::Selection;

use crate::Hub;
use crate::batch::{Account, Books};
use crate::batch_document::BatchDocument;
use crate::close_body::CloseBody;
use crate::give_back::give_up_problem;
use crate::problem::change_problem;
use crate::reserve::{REPLAY, idempotency_key};
use crate::turn::{Turn, shown};

/// How often the end is decided again when a file or another caller came between.
const TRIES: u32 = 6;

pub(crate) async fn close(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::AllocationsWrite)?;
    let request = body.parse_optional::<CloseBody>()?.unwrap_or_default().into_request()?;
    let key = request_key(&headers)?;
    let turn = Turn::new(&hub, &caller, &id, request.reason.clone()).await?;
    let ask = Ask { hub: &hub, turn: &turn, request, key };
    // Its many reads make it large; on the heap the router's own future stays small.
    let (allocation, is_replay) = Box::pin(ask.decide()).await?;
    let view = shown(&hub, &allocation).await?;
    if is_replay {
        return Ok(([(REPLAY, HeaderValue::from_static("true"))], view).into_response());
    }
    Ok(view.into_response())
}

/// The caller's name for the request, if it has one.
fn request_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let key = idempotency_key(headers)?.map(RequestId::parse).transpose();
    let key = key.map_err(|error| {
        Problem::bad_request("Idempotency-Key is not valid.")
            .violation("header Idempotency-Key", error.to_string())
    })?;
    Ok(key.map(|key| key.to_string()))
}

/// Somebody who wants a run to end.
struct Ask<'a> {
    hub: &'a Hub,
    turn: &'a Turn,
    request: CloseRequest,
    key: Option<String>,
}

impl Ask<'_> {
    /// The allocation after the end of its run, and whether that was decided before.
    async fn decide(&self) -> Result<(Allocation, bool), Problem> {
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        for _ in 0..TRIES {
            let seen = seen(self.hub, self.turn).await?;
            let allocation = &seen.allocation;
            let closings = store.closing_list(&allocation.id).await.map_err(failed)?;
            if self.is_replay(allocation, &closings)? {
                return Ok((seen.allocation, true));
            }
            let after = allocation.status.after(Transition::Close);
            after.map_err(|error| change_problem(&ChangeError::Transition(error)))?;
            self.check_terms(allocation).await?;
            // What somebody gave up, and nobody has posted yet, belongs to the batch.
            let finished = store.number_changes_finish(objects, &allocation.id, &self.turn.now);
            finished.await.map_err(failed)?;
            let number = next_number(&closings)?;
            if self.attempt(&seen, number, closings.last()).await? {
                let (id, pool) = (&allocation.id, &allocation.pool_id);
                tracing::info!(allocation.id = %id, pool.id = %pool, "batch closed");
                return Ok((self.turn.again(self.hub).await?, false));
            }
        }
        Err(failed(StoreError::Conflict { what: "the allocation" }))
    }

    /// Whether this very request was decided before.
    fn is_replay(&self, seen: &Allocation, closings: &[Closing]) -> Result<bool, Problem> {
        let hash = self.request.hash();
        // A key is a name that one system gave: another system's is another one.
        let own = |one: &&Closing| system_of(&one.actor) == system_of(&self.turn.actor);
        let by_key = closings
            .iter()
            .filter(own)
            .find(|one| self.key.is_some() && one.request_key == self.key);
        if let Some(known) = by_key {
            let reused = || Problem::new(ProblemKind::IdempotencyKeyReuse);
            return if known.request_hash == hash { Ok(true) } else { Err(reused()) };
        }
        if !seen.status.is_over() {
            return Ok(false);
        }
        let last = closings.iter().rev().find(|one| one.decision == Decision::Close);
        let same = match last {
            Some(last) => last.request_hash == hash,
            // Closed before there were batch documents, or by the hub itself.
            None => seen.status == AllocationStatus::Closed && self.request.production.is_none(),
        };
        if same {
            return Ok(true);
        }
        let refused = TransitionError { status: seen.status, transition: Transition::Doubt };
        Err(change_problem(&ChangeError::Transition(refused)))
    }

    async fn check_terms(&self, seen: &Allocation) -> Result<(), Problem> {
        let lot = self.request.lot.as_deref();
        if lot.is_some_and(|lot| seen.details.lot.as_deref() != Some(lot)) {
            let detail = "The report is about another lot.";
            return Err(Problem::unprocessable(detail).violation("/lot", "that of the allocation"));
        }
        if self.request.unused == Unused::Deactivate {
            return Ok(());
        }
        let pool = self.hub.store.pool_fetch(&seen.pool_id).await.map_err(failed)?;
        let takes = pool.is_some_and(|state| state.pool.draft.policy.reoffer.offers_returned());
        if takes {
            return Ok(());
        }
        Err(Problem::unprocessable("The pool takes nothing back.")
            .violation("/unused", "deactivate; the pool does not offer numbers again"))
    }

    /// Gives back what nobody used, once for what was seen: before the run ends, as afterwards nothing is. How many
    /// numbers that were.
    async fn give_back(&self, seen: &Seen, number: u32) -> Result<u64, Problem> {
        let hash = self.request.hash();
        let hash = hash.get(..20).unwrap_or_default();
        // Numbers may come to be unused again, when a file takes back what an earlier one said of them. So each
        // look at the allocation has a key of its own; callers that saw the same have the same.
        let key = format!("close-{number}-{}-{hash}", seen.place());
        let key = RequestId::parse(&key).map_err(|error| Problem::internal(&error))?;
        let system = system_of(&self.turn.actor);
        let requester = SystemId::parse(system).map_err(|error| Problem::internal(&error))?;
        let request = store::number_change::Request {
            requester: &requester,
            actor: &self.turn.actor,
            key: &key,
            selection: Selection::AllUnused,
            fate: Fate::Return,
            reason: self.turn.reason.as_deref().unwrap_or("end of batch"),
        };
        let (store, objects) = (&self.hub.store, &self.hub.objects);
        let id = &seen.allocation.id;
        let given = store.numbers_give_up(objects, id, &request, &self.turn.now).await;
        // All unused numbers are asked for, so none of them can be named as used.
        let given = given.map_err(|error| give_up_problem(&error, |index| index.to_string()))?;
        Ok(given.0.decided)
    }

    /// One try: counted, judged, written down, and put if the allocation is still as it was seen.
    async fn attempt(
        &self,
        found: &Seen,
        number: u32,
        before: Option<&Closing>,
    ) -> Result<bool, Problem> {
        let (hub, seen) = (self.hub, &found.allocation);
        let books = Books::read(hub, seen).await.map_err(failed)?;
        let production = self.request.production.as_deref();
        let verdict = judged(&books, seen, production)?;
        let doubtful = !verdict.issues.is_empty();
        let unused = books.balance.buckets.get(Bucket::Outstanding);
        let gives = self.request.unused == Unused::Return && !doubtful && unused > 0;
        // Then it is counted again. What waits for a review keeps its numbers.
        if gives && self.give_back(found, number).await? > 0 {
            return Ok(false);
        }
        let status =
            if doubtful { AllocationStatus::PendingReview } else { AllocationStatus::Closed };
        let account = Account {
            number,
            decision: Decision::Close,
            status,
            by: (&self.turn.actor, &self.turn.now, self.turn.reason.as_deref()),
            before,
        };
        let reported = production.is_some();
        let document = BatchDocument::new(&account, seen, &books, (&verdict, reported));
        let hashes = kept(hub, seen, &document).await?;
        let raised = findings(seen, &verdict, (&hashes, &self.turn.now));
        let closing = Closing {
            allocation: seen.id.clone(),
            number,
            decision: Decision::Close,
            status,
            at: self.turn.now.clone(),
            actor: self.turn.actor.clone(),
            reason: self.turn.reason.clone(),
            request_hash: self.request.hash(),
            request_key: self.key.clone(),
            document: hashes,
            counted: books.fill,
            findings: raised.iter().map(|record| record.finding.id.clone()).collect(),
        };
        let effects = Effects { raised: &raised, resolved: (&[], None) };
        hub.store.closing_put(found, &closing, effects).await.map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err, which gives values")]
pub(crate) fn failed(error: StoreError) -> Problem {
    store_problem(&error)
}

/// The allocation of a turn as it is now, for a decision about its end.
pub(crate) async fn seen(hub: &Hub, turn: &Turn) -> Result<Seen, Problem> {
    let seen = hub.store.closing_seen(&turn.allocation.id).await;
    seen.map_err(failed)?.ok_or_else(Problem::not_found)
}

/// The system of an actor.
fn system_of(actor: &str) -> &str {
    actor.split('/').next().unwrap_or_default()
}

/// The place of the next decision.
pub(crate) fn next_number(closings: &[Closing]) -> Result<u32, Problem> {
    let next = closings.last().map_or(1, |last| last.number.saturating_add(1));
    if next > DECISIONS_MAX {
        let detail = format!("There are {DECISIONS_MAX} decisions about the end of this run.");
        return Err(Problem::new(ProblemKind::AllocationState).detail(detail));
    }
    Ok(next)
}

/// What the line reports next to the books.
pub(crate) fn judged(
    books: &Books,
    seen: &Allocation,
    production: Option<&[domain::closing::Reported]>,
) -> Result<Verdict, Problem> {
    let batch = Batch {
        gtin: seen.key.gtin(),
        level: seen.details.packaging_level.as_deref(),
        buckets: &books.balance.buckets,
        tolerance: books.tolerance,
    };
    batch.judge(production).map_err(|error| {
        let pointer = match error {
            ReportError::OwnMissing => "/production".to_owned(),
            ReportError::Twice(place) | ReportError::OtherLevel(place) => {
                format!("/production/{place}")
            }
        };
        Problem::unprocessable("The quantities cannot be those of this allocation.")
            .violation(pointer, error.to_string())
    })
}

/// Puts the document under the names that follow from it, before any decision names it.
pub(crate) async fn kept(
    hub: &Hub,
    seen: &Allocation,
    document: &BatchDocument,
) -> Result<Hashes, Problem> {
    let json = document.to_json().map_err(|error| Problem::internal(&error))?;
    let sha = content_sha256(&json);
    let html = crate::batch_page::page(document, &sha).into_string().into_bytes();
    let hashes = Hashes { json: sha, html: content_sha256(&html) };
    let of = (&seen.id, document.revision);
    hub.objects.batch_put(of, &hashes, (json, html)).await.map_err(failed)?;
    Ok(hashes)
}

/// The findings of the end of a batch; their document is the batch document.
fn findings(
    seen: &Allocation,
    verdict: &Verdict,
    (hashes, at): (&Hashes, &str),
) -> Vec<FindingRecord> {
    let record = |issue: &domain::closing::Issue| {
        let subject = Subject {
            code: issue.code(),
            provisional: false,
            allocation_id: Some(seen.id.to_string()),
            gtin: seen.key.gtin().map(|gtin| gtin.to_string()),
        };
        let finding = subject.finding((&hashes.json, seen.system_id.as_str()), issue.count());
        FindingRecord {
            content_sha256: hashes.json.clone(),
            system_id: seen.system_id.clone(),
            at: at.to_owned(),
            finding: Finding { samples: vec![issue.words()], ..finding },
        }
    };
    verdict.issues.iter().map(record).collect()
}
