//! The table as lines, and what must hold of it whatever the reference says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::bitmap::{BLOCK_SIZE, BlockSet};
use domain::fact::Fact;
use domain::ids::{AllocationId, RequestId, SystemId};
use domain::ledger::{Balance, BlockState, Bucket, Posting};
use store::keys::{Pk, Sk};
use store::time::parse_rfc3339;

use super::{Picture, balance, runs};
use crate::plant::Plant;

/// Everything that is compared.
const ENTITIES: [&str; 9] = [
    "pool",
    "range",
    "returned-run",
    "allocation",
    "fill",
    "block",
    "posting",
    "document",
    "finding",
];

/// And of that only these.
const ATTRIBUTES: [&str; 46] = [
    "pk",
    "sk",
    "from",
    "to",
    "cursor",
    "remaining",
    "status",
    "gtin",
    "scheme",
    "max_request",
    "next",
    "of",
    "withdrawn_by",
    "reuse",
    "reoffer",
    "open_start",
    "open_info",
    "start",
    "size",
    "kind",
    "reason",
    "allocation_id",
    "pool_id",
    "requested",
    "expires_at",
    "confirmed_at",
    "system_id",
    "requester",
    "request_id",
    "used",
    "body",
    "version",
    "retracted",
    "judgements",
    "error_code",
    "code",
    "count",
    "provisional",
    "commissioned",
    "encoded",
    "scrapped",
    "sampled",
    "decommissioned",
    "destroyed",
    "returned",
    "deactivated",
];

type Item = HashMap<String, AttributeValue>;

/// What was read of a table.
#[derive(Debug, Default)]
struct Table {
    lines: Picture,
    /// First number, next number after the last reserved one, and the numbers below, by pool.
    pools: BTreeMap<String, Tiles>,
    allocations: BTreeMap<String, Reserved>,
    states: BTreeMap<(String, u32), BlockState>,
    postings: BTreeMap<(String, u32), Vec<Posting>>,
}

#[derive(Debug, Default)]
struct Tiles {
    bounds: (u64, u64),
    /// Size and, unless it is void, the allocation, by start.
    spans: BTreeMap<u64, (u64, Option<String>)>,
    /// The same of returned numbers that were taken again, and what was taken of each run.
    again: BTreeMap<u64, (u64, Option<String>)>,
    taken: Vec<(u64, u64)>,
    open: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Reserved {
    pool: String,
    start: u64,
    size: u64,
    status: String,
}

/// Reads the whole table and proves I1 to I5 of it.
pub async fn of_table(plant: &Plant) -> Picture {
    let mut table = Table::default();
    let names: Vec<String> = (0..ENTITIES.len()).map(|at| format!(":e{at}")).collect();
    let mut pages = plant
        .dynamo
        .client()
        .scan()
        .table_name(&plant.table)
        .consistent_read(true)
        .filter_expression(format!("entity IN ({})", names.join(", ")));
    for (name, entity) in names.iter().zip(ENTITIES) {
        pages = pages.expression_attribute_values(name, AttributeValue::S(entity.to_owned()));
    }
    let names: Vec<String> = (0..ATTRIBUTES.len()).map(|at| format!("#a{at}")).collect();
    pages = pages.projection_expression(names.join(", "));
    for (name, attribute) in names.iter().zip(ATTRIBUTES) {
        pages = pages.expression_attribute_names(name, attribute);
    }
    let mut pages = pages.into_paginator().send();
    while let Some(page) = pages.next().await {
        for item in page.unwrap().items() {
            table.add(item);
        }
    }
    table.prove();
    table.lines
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => text,
        other => panic!("{name} is {other:?}"),
    }
}

fn or_none<'a>(item: &'a Item, name: &str) -> &'a str {
    if item.contains_key(name) { text(item, name) } else { "-" }
}

fn number(item: &Item, name: &str) -> u64 {
    text(item, name).parse().unwrap()
}

fn map<'a>(item: &'a Item, name: &str) -> &'a Item {
    item[name].as_m().unwrap()
}

fn seconds(at: &str) -> i64 {
    parse_rfc3339(at).unwrap().unix_timestamp()
}

impl Table {
    fn add(&mut self, item: &Item) {
        let (pk, sk): (Pk, Sk) =
            (text(item, "pk").parse().unwrap(), text(item, "sk").parse().unwrap());
        match (pk, sk) {
            (Pk::Pool(id), Sk::Pool) => self.pool(id.as_str(), item),
            (Pk::Pool(id), Sk::Range(_)) => self.range(id.as_str(), ("range", item)),
            (Pk::Pool(id), Sk::Reoffer(_)) => self.range(id.as_str(), ("again", item)),
            (Pk::Pool(id), Sk::Returned(_)) => self.run(id.as_str(), item),
            (Pk::Allocation(id), Sk::Allocation) => self.allocation(id.as_str(), item),
            (Pk::Allocation(id), Sk::Fill) => {
                let (used, packed) = (number(item, "used"), number(item, "commissioned"));
                let line = format!("used {used} commissioned {packed}");
                self.lines.insert(format!("fill {id}"), line);
            }
            (Pk::Block(id, block), Sk::State) => self.state(id.as_str(), block, item),
            (Pk::Block(id, block), Sk::DocumentOf(_)) => {
                let bytes = item["body"].as_b().unwrap().as_ref();
                let posting = Posting::decode(bytes).unwrap();
                self.postings.entry((id.to_string(), block)).or_default().push(posting);
            }
            (Pk::Document(sha), Sk::Document) => self.document(&sha, item),
            (Pk::Document(sha), Sk::Finding(_)) => self.finding(&sha, item),
            (pk, sk) => panic!("{pk}/{sk}"),
        }
    }

    fn pool(&mut self, id: &str, item: &Item) {
        let spans = self.pools.entry(id.to_owned()).or_default();
        spans.bounds = (number(item, "from"), number(item, "cursor"));
        let mut line = format!(
            "{} {} {} {}..{} cursor {} remaining {} max {} again {}",
            text(item, "status"),
            text(item, "gtin"),
            text(item, "scheme"),
            text(item, "from"),
            text(item, "to"),
            text(item, "cursor"),
            text(item, "remaining"),
            text(item, "max_request"),
            item.get("reoffer").is_some_and(|word| word.as_s().unwrap() == "returned"),
        );
        let (starts, infos) = (map(item, "open_start"), map(item, "open_info"));
        let mut ids: Vec<&String> = starts.keys().collect();
        ids.sort();
        for allocation in ids {
            let (start, info) = (number(starts, allocation), map(infos, allocation));
            let (size, at) = (number(info, "size"), text(info, "opened_at"));
            write!(line, " open {allocation} {start}+{size} at {at}").unwrap();
            spans.open.push((start, size));
        }
        let (to, left) = (number(item, "to"), number(item, "remaining"));
        assert_eq!(spans.bounds.1 + left, to + 1, "I2: what remains of pool {id}");
        self.lines.insert(format!("pool {id}"), line);
    }

    fn run(&mut self, id: &str, item: &Item) {
        let (start, size, next) =
            (number(item, "start"), number(item, "size"), number(item, "next"));
        self.pools.entry(id.to_owned()).or_default().taken.push((start, next));
        let withdrawn = if item.contains_key("withdrawn_by") { " withdrawn" } else { "" };
        let line = format!("{size} next {next} of {}{withdrawn}", text(item, "of"));
        self.lines.insert(format!("run {id} {start}"), line);
    }

    fn range(&mut self, id: &str, (word, item): (&str, &Item)) {
        let (start, size) = (number(item, "start"), number(item, "size"));
        let (of, void) = (text(item, "allocation_id"), text(item, "kind") == "void");
        let spans = self.pools.entry(id.to_owned()).or_default();
        let spans = if word == "range" { &mut spans.spans } else { &mut spans.again };
        spans.insert(start, (size, Some(of.to_owned()).filter(|_| !void)));
        let void = if void { format!(" void {}", text(item, "reason")) } else { String::new() };
        self.lines.insert(format!("{word} {id} {start}"), format!("{size} of {of}{void}"));
    }

    fn allocation(&mut self, id: &str, item: &Item) {
        let (start, size) = (number(item, "start"), number(item, "size"));
        let (pool, status) = (text(item, "pool_id"), text(item, "status"));
        let requested =
            if item.contains_key("requested") { number(item, "requested") } else { size };
        let hold = item.contains_key("expires_at").then(|| {
            let ends = seconds(text(item, "expires_at"));
            format!(" held to {ends} {}", item.contains_key("confirmed_at"))
        });
        let system = text(item, "system_id");
        let hold = hold.unwrap_or_default();
        let reuse = item.get("reuse").map(|word| format!(" {}", word.as_s().unwrap()));
        let reuse = reuse.unwrap_or_default();
        let line =
            format!("{status} {pool} {start}+{size} of {requested} for {system}{hold}{reuse}");
        self.lines.insert(format!("allocation {id}"), line);
        let (asker, request) = (text(item, "requester"), text(item, "request_id"));
        let (asker, request) = (SystemId::parse(asker), RequestId::parse(request));
        let named = AllocationId::of_request(&asker.unwrap(), &request.unwrap());
        assert_eq!(named.as_str(), id, "I3: an allocation has the name of its request");
        let (pool, status) = (pool.to_owned(), status.to_owned());
        self.allocations.insert(id.to_owned(), Reserved { pool, start, size, status });
    }

    fn state(&mut self, id: &str, block: u32, item: &Item) {
        let mut state = BlockState::default();
        state.version = number(item, "version");
        state.retracted = *item["retracted"].as_bool().unwrap();
        for fact in Fact::BY_PRECEDENCE {
            if let Some(bytes) = item.get(fact.as_str()) {
                let set = BlockSet::decode(bytes.as_b().unwrap().as_ref()).unwrap();
                state.set(fact, set);
            }
        }
        self.states.insert((id.to_owned(), block), state);
    }

    fn document(&mut self, sha: &str, item: &Item) {
        self.lines.insert(format!("document {sha}"), text(item, "status").to_owned());
        if item.contains_key("error_code") {
            return;
        }
        for judgement in item["judgements"].as_l().unwrap() {
            let one = judgement.as_m().unwrap();
            let line = format!(
                "{} named {} matched {} newly {} repeated {} provisional {}",
                text(one, "status"),
                text(one, "named"),
                text(one, "matched"),
                text(one, "newly_commissioned"),
                text(one, "repeated"),
                text(one, "provisional"),
            );
            self.lines.insert(format!("judgement {sha} {}", text(one, "system_id")), line);
        }
    }

    fn finding(&mut self, sha: &str, item: &Item) {
        let (system, code) = (text(item, "system_id"), text(item, "code"));
        let (allocation, gtin) = (or_none(item, "allocation_id"), or_none(item, "gtin"));
        let provisional = item["provisional"].as_bool().unwrap();
        let name = format!("finding {sha} {system} {code} {allocation} {gtin} {provisional}");
        let line = format!("{} {}", text(item, "count"), text(item, "status"));
        self.lines.insert(name, line);
    }

    /// I1 to I5 of what was read; the balances and facts become lines.
    fn prove(&mut self) {
        for (id, pool) in &self.pools {
            pool.prove(id, &self.allocations);
        }
        for (key, state) in &self.states {
            let again = BlockState::from_postings(self.postings.get(key).into_iter().flatten());
            assert_eq!(again.retracted, state.retracted, "I5: {key:?}");
            for fact in Fact::BY_PRECEDENCE {
                let both = (again.of(fact), state.of(fact));
                assert_eq!(both.0, both.1, "I5: block {key:?} is what its postings say");
            }
            assert_eq!(state.version, count(self.postings[key].len()), "I5: each posting once");
        }
        assert_eq!(self.states.len(), self.postings.len(), "I5: a posting has a state");
        let lines: Vec<_> = self.allocations.iter().map(|(id, one)| self.ledger(id, one)).collect();
        self.lines.extend(lines.into_iter().flatten());
    }

    fn ledger(&self, id: &str, one: &Reserved) -> Vec<(String, String)> {
        let first = (id.to_owned(), 0);
        let own = self.states.range(first..).take_while(|((of, _), _)| of == id);
        let own: Vec<_> = own.map(|((_, block), state)| (*block, state)).collect();
        let over = matches!(one.status.as_str(), "closed" | "voided" | "expired");
        let sum = Balance::of(one.size, over, own.iter().copied());
        assert!(sum.holds(), "I4: {id}: {sum:?}");
        let buckets = Bucket::ALL.map(|bucket| (bucket.as_str(), sum.buckets.get(bucket)));
        let mut lines = vec![(format!("balance {id}"), balance(buckets))];
        for fact in Fact::BY_PRECEDENCE {
            let numbers = own.iter().flat_map(|(block, state)| {
                let base = u64::from(*block) * u64::from(BLOCK_SIZE);
                state.of(fact).iter().map(move |offset| base + u64::from(offset.get()))
            });
            let numbers = runs(numbers);
            if !numbers.is_empty() {
                lines.push((format!("fact {id} {}", fact.as_str()), numbers));
            }
        }
        lines
    }
}

impl Tiles {
    /// I1 and I2: below the cursor every number is in one record or in one open entry, and who has a record
    /// has an allocation that says the same.
    fn prove(&self, id: &str, allocations: &BTreeMap<String, Reserved>) {
        let open = self.open.iter().filter(|(start, _)| !self.spans.contains_key(start));
        let mut parts: Vec<(u64, u64)> = open.copied().collect();
        for (start, (size, allocation)) in &self.spans {
            parts.push((*start, *size));
            let Some(allocation) = allocation else { continue };
            let one = &allocations[allocation];
            assert_eq!((one.pool.as_str(), one.start, one.size), (id, *start, *size), "I1");
            assert!(!matches!(one.status.as_str(), "voided" | "expired"), "I2: {allocation}");
        }
        parts.sort_unstable();
        let mut next = self.bounds.0;
        for (start, size) in parts {
            assert_eq!(start, next, "I1, I2: no gap and no overlap in pool {id}");
            next += size;
        }
        assert_eq!(next, self.bounds.1, "I2: all numbers of pool {id} are accounted for");
        // What was taken of returned runs is in one record each, and whose it is says the same.
        let mut taken: BTreeSet<u64> =
            self.taken.iter().flat_map(|(start, next)| *start..*next).collect();
        for (start, (size, allocation)) in &self.again {
            for number in *start..start + size {
                assert!(taken.remove(&number), "I1: {number} of pool {id} is offered twice");
            }
            let Some(allocation) = allocation else { continue };
            let one = &allocations[allocation];
            assert_eq!((one.pool.as_str(), one.start, one.size), (id, *start, *size), "I1");
            assert!(!matches!(one.status.as_str(), "voided" | "expired"), "I2: {allocation}");
        }
        assert_eq!(taken, BTreeSet::new(), "I2: returned numbers of pool {id} that nobody has");
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}
