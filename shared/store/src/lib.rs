//! The only crate that knows DynamoDB and S3.
//!
//! Invariants held here by condition expressions: I1 (disjoint ranges), I2 (every number accounted for),
//! I3 (one allocation per request id), I5 (a document takes effect once), I6 (nothing received is lost).
//! The crate does not know Lambda, HTTP statuses, or what time it is: times are arguments.
//!
//! # Access patterns
//!
//! | Pattern | Operation | Key | Condition | Caller |
//! |---|---|---|---|---|
//! | reserve: find a replay | GetItem, consistent | `ALLOC#A / ALLOC` | – | allocate-serials |
//! | reserve: move the cursor | UpdateItem | `POOL#p / POOL` | active, enough left, no entry of A, few open | allocate-serials |
//! | reserve: record | TransactWriteItems | `ALLOC#A`, `POOL#p / RANGE#s` | both absent | allocate-serials |
//! | reserve: close the entry | UpdateItem | `POOL#p / POOL` | the entry has this start | allocate-serials, sweep-reservations |
//! | sweep: void an unfinished entry | PutItem | `POOL#p / RANGE#s` | absent | sweep-reservations |
//! | void an allocation | TransactWriteItems | `ALLOC#A`, `POOL#p / RANGE#s` (and `/ RETURNED#s`) | reserved or exported | allocate-serials |
//! | give numbers up: record | TransactWriteItems | `ALLOC#A / CHANGE#k`, `DOC#sha / DOC`, `ALLOC#A / AUDIT#…`, `ALLOC#A / ALLOC` | absent, the allocation active | allocate-serials |
//! | give numbers up: a block | TransactWriteItems | `BLOCK#A#n / STATE`, `/ DOC#sha`, `POOL#p / RETURNED#s` | version seen, others absent | allocate-serials, reconcile-commissioning |
//! | runs to be offered again | Query on `listing` (may lag) | `RETURNED#p / <free>#<start>` | – | allocate-serials |
//! | offer a run again | TransactWriteItems | `ALLOC#A`, `/ AUDIT#…`, `POOL#p / REOFFER#s`, `/ RETURNED#s` | absent, cursor seen and not withdrawn | allocate-serials |
//! | withdraw a run | TransactWriteItems | `POOL#p / RETURNED#s`, `RUN#p-s / AUDIT#…` | cursor seen, not withdrawn, absent | reconcile-commissioning |
//! | sweep: void an entry and offer it | TransactWriteItems | `POOL#p / RANGE#s`, `/ RETURNED#s` | both absent | sweep-reservations |
//! | the run of a void range | GetItem, consistent | `POOL#p / RETURNED#s` | – | reconcile-commissioning |
//! | whose a returned index is since | Query, consistent | `POOL#p / REOFFER#` | – | reconcile-commissioning |
//! | create a pool | TransactWriteItems | `GTIN#g / GUARD` (of SSCCs `SSCC / GUARD`), `/ POOL#…`, `POOL#p / POOL`, `REGISTRY / POOL#p` | guard version, others absent | manage-pools |
//! | change a pool | UpdateItem | `POOL#p / POOL` | the bounds that were read | manage-pools |
//! | pools of a key | Query, consistent | `GTIN#g / POOL#*`, `SSCC / POOL#*` | – | allocate-serials, reconcile-commissioning |
//! | all pools of SSCCs | Query, consistent | `SSCC / POOL#*` | – | reconcile-commissioning |
//! | create a space | in the transaction of its first pool | `GTIN#g / SPACE#s` | absent | manage-pools |
//! | import numbers: link | PutItem; TransactWriteItems; UpdateItem | `POOL#p / IMPORT#f#sha`; `GTIN#g / GUARD`, `/ POOL#…`; `POOL#p / POOL` | absent; guard version; last number, head and audit place seen | manage-pools, write-exports |
//! | imports of a pool | GetItem, Query, consistent | `POOL#p / POOL`, `/ IMPORT#*` | – | who turns indexes of lists into texts or back |
//! | open a space | GetItem, consistent, once a process | `GTIN#g / SPACE#s` | – | who turns indexes into texts or back |
//! | spaces of a GTIN | Query, consistent | `GTIN#g / *` | – | manage-pools |
//! | all pools | Query, consistent | `REGISTRY / POOL#*` | – | manage-pools, sweep-reservations |
//! | range of an index | Query, consistent, descending | `POOL#p / RANGE# ≤ index` | – | reconcile-commissioning |
//! | list by time or id | Query on `listing` (may lag) | `list_pk / list_sk` | – | lists |
//! | what is unfinished | Query on `attention` (sparse, may lag) | `attention_pk / attention_sk` | – | report-operations, sweep-reservations |
//! | block and posting | TransactWriteItems | `BLOCK#A#n / STATE`, `/ DOC#sha` | version seen, posting absent | reconcile-commissioning |
//! | document life cycle | PutItem, UpdateItem | `DOC#sha / …` | status and version | reconcile-commissioning |
//! | scorecard: what is unfinished | Query on `attention` (may lag) | `attention_pk / attention_sk` | – | report-operations |
//! | fill: blocks about to be touched | GetItem; PutItem or UpdateItem | `ALLOC#A / FILL` | absent, or the span that was read | reconcile-commissioning |
//! | fill: count a document | BatchGetItem; TransactWriteItems | `ALLOC#A / DOC#sha`, `/ FILL` | link absent or as counted, fill present | reconcile-commissioning |
//! | fill of open allocations | BatchGetItem, consistent | `ALLOC#A / FILL` | – | report-operations |
//! | an export in the background | GetItem, consistent; PutItem | `EXPORT#A#file / EXPORT` | version seen, or absent | export-allocation, allocate-serials, write-exports |
//! | session of a browser | PutItem, GetItem, DeleteItem | `SESSION#sha / SESSION` | absent | report-operations |
//! | findings of a run | TransactWriteItems | `DOC#sha / FINDING#id`, `FINDING#id / FINDING`, `SUBJECT#h / SUBJECT` | absent / version seen / latest seen | reconcile-commissioning |
//! | change a finding | TransactWriteItems | `DOC#sha / FINDING#id`, `FINDING#id / AUDIT#…` | version seen, record absent | report-operations |
//! | a finding and its history | GetItem, Query, consistent | `FINDING#id / *`, `DOC#sha / FINDING#id` | – | report-operations |
//! | audit record of a change | in its transaction | `<entity> / AUDIT#<place>` | absent | with the change |
//! | the last record of a chain | Query, consistent, descending | `<entity> / AUDIT#*` | – | with the change |
//! | audit record of a pool's change | UpdateItem, then PutItem | `POOL#p / POOL`, `/ AUDIT#<place>` | place seen, none waits / absent | manage-pools, sweep-reservations |
//! | audit records of a day | Query on `listing` (may lag) | `AUDIT#<day> / <at>#<entity>#<place>` | – | report-operations, sweep-reservations |
//! | a chain from its beginning | Query, consistent | `<entity> / AUDIT#*` | – | report-operations |
//! | seals | Query, consistent | `SEALS / DAY#*` | – | report-operations, sweep-reservations |
//! | a look at a pool, and its events | GetItem; TransactWriteItems | `POOL#p / WATCH`, `/ EVENT#n` | version seen or absent, absent | sweep-reservations |
//! | send an event of a pool | Query on `attention`; PutItem | `POOL#p / EVENT#n` | version seen | sweep-reservations |
//! | pools as people see them | Query, BatchGetItem, consistent | `REGISTRY / POOL#*`, `POOL#p / POOL`, `/ WATCH`, `/ EVENT#n`, `/ RANGE#…` | – | report-operations |
//! | held allocations, those under review | Query on `attention` (may lag) | `attention_pk / attention_sk` | – | report-operations |
//! | set the webhook | GetItem; TransactWriteItems | `WEBHOOK / WEBHOOK`, `/ AUDIT#…` | version seen or absent, absent | manage-pools |
//! | reservations told as events | GetItem, Query, consistent; PutItem | `POOL#p / TOLD`, `/ RANGE#…` | version seen or absent | sweep-reservations |
//! | numbers offered again, told as events | Query on `attention`; UpdateItem | `POOL#p / REOFFER#s` | it waits to be told | sweep-reservations |
//! | seal a day | PutItem | `SEALS / DAY#<day>` | absent | sweep-reservations |
//! | confirm, expire an allocation | TransactWriteItems | `ALLOC#A`, `/ AUDIT#…` (and `POOL#p / RANGE#s`) | status seen | allocate-serials, sweep-reservations |
//! | decide about the end of a run | TransactWriteItems | `ALLOC#A`, `/ CLOSING#n`, `/ AUDIT#…` (and `DOC#sha / FINDING#id`, `FINDING#id / *`) | status seen, decision absent | allocate-serials |
//! | the last decision | Query, consistent, descending | `ALLOC#A / CLOSING#*` | – | allocate-serials |
//! | what a product allows | TransactWriteItems, GetItem | `PRODUCT#g / PRODUCT`, `/ AUDIT#…` | version seen, or absent | manage-pools, allocate-serials |
//! | join heartbeats to a minute | BatchGetItem, PutItem | `LINE#gln / MINUTE#…` | version seen, or absent | ingest-telemetry |
//! | the newest heartbeat of a line | PutItem; TransactWriteItems the first time | `LINE#gln / LINE`, `LINES / LINE#gln` | version seen, or absent | ingest-telemetry |
//! | minutes of a line | Query, consistent | `LINE#gln / MINUTE#*` | – | ingest-telemetry, report-operations |
//! | all lines | Query, BatchGetItem, consistent | `LINES / LINE#*`, `LINE#gln / LINE` | – | ingest-telemetry, report-operations |
//! | system | Put, Get | `SYSTEM#id / SYSTEM` | absent | operator |
//! | credential: judge | GetItem, consistent | `CREDENTIAL#id / CREDENTIAL` | – | authorize-request, report-operations |
//! | credential: note last use | UpdateItem | `CREDENTIAL#id / CREDENTIAL` | present, not noted within the hour | authorize-request |
//! | credential: create | TransactWriteItems | `CREDENTIAL#id / CREDENTIAL`, `/ AUDIT#…` | absent | operator |
//! | credential: rotate, revoke | TransactWriteItems | `CREDENTIAL#id / CREDENTIAL`, `/ AUDIT#…` | not revoked, the hashes that were read | operator |

#![expect(clippy::disallowed_methods, reason = "this is the crate that writes DynamoDB")]

pub mod allocation;
pub mod arrival;
pub mod attention;
pub mod audit;
pub mod audit_list;
pub mod audit_record;
pub mod block;
pub mod client;
pub mod closing;
pub mod credential;
pub mod document;
pub mod document_action;
mod document_item;
pub mod document_queue;
pub mod error;
pub mod export_job;
pub mod finding;
pub mod inbound;
pub mod item;
pub mod jobs;
mod judgement;
pub mod kept;
mod key_item;
pub mod keys;
pub mod kms;
pub mod line;
mod line_item;
mod line_minute;
pub mod list;
pub mod meter;
pub mod notice_sweep;
pub mod number_change;
pub mod numbering;
pub mod objects;
mod pause;
pub mod plan;
pub mod pool;
pub mod pool_event;
mod pool_item;
pub mod pool_overview;
pub mod pool_watch;
pub mod product;
pub mod publish;
pub mod range;
pub mod report;
pub mod reservation_event;
pub mod reserve;
pub mod restore;
pub mod returned;
mod scheme_item;
pub mod scorecard;
pub mod seal;
pub mod session;
pub mod settle;
pub mod space;
mod space_key;
pub mod sweep;
pub mod system;
pub mod tally;
pub mod time;
pub mod upload;
mod warm_up;
pub mod webhook;

use std::sync::Arc;

pub use error::StoreError;
pub use objects::{Buckets, Objects};
pub use warm_up::warm_up_queue;

/// The table of one tenant.
#[derive(Debug, Clone)]
pub struct Store {
    /// The DynamoDB client.
    pub dynamo: aws_sdk_dynamodb::Client,
    /// The name of the table.
    pub table: Arc<str>,
    /// The name of the table that keys of spaces are sealed for: another one while a copy of it is read.
    home: Arc<str>,
    /// The key service, where keys of spaces are made or opened.
    kms: Option<kms::Kms>,
    /// The spaces that this process has opened.
    ciphers: space::Ciphers,
}

impl Store {
    /// A store over a table.
    #[must_use]
    pub fn new(dynamo: aws_sdk_dynamodb::Client, table: &str) -> Self {
        let (home, ciphers) = (table.into(), space::Ciphers::default());
        Self { dynamo, table: table.into(), home, kms: None, ciphers }
    }

    /// The same over a copy of the table under another name, whose items are those of this one.
    #[must_use]
    pub fn over_copy(self, table: &str) -> Self {
        Self { table: table.into(), ..self }
    }

    /// The same with a key service, without which no key of a space is made or opened.
    #[must_use]
    pub fn with_kms(self, kms: kms::Kms) -> Self {
        Self { kms: Some(kms), ..self }
    }
}

/// One page of a list, and where the next one begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The key after which the next page begins; `None` at the end.
    pub next: Option<String>,
}
