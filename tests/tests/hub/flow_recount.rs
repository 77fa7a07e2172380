//! The scorecard computed a second time, from nothing but a scan of the raw table, by counting what
//! each item says. It shares no code with the functions but the reader of bitmaps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::bitmap::BlockSet;
use serde_json::{Value, json};
use store::Store;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

type Item = HashMap<String, AttributeValue>;

/// Facts, the one that decides first.
const FACTS: [&str; 8] = [
    "destroyed",
    "decommissioned",
    "sampled",
    "scrapped",
    "commissioned",
    "encoded",
    "returned",
    "deactivated",
];
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// All items of a table.
pub struct Raw(Vec<Item>);

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn number(item: &Item, name: &str) -> u128 {
    item[name].as_n().unwrap().parse().unwrap()
}

fn count(value: impl TryInto<u64>) -> u64 {
    value.try_into().unwrap_or_else(|_| panic!("no count"))
}

fn ms(at: &str) -> i128 {
    OffsetDateTime::parse(at, &Rfc3339).unwrap().unix_timestamp_nanos() / 1_000_000
}

impl Raw {
    pub async fn scan(store: &Store) -> Self {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let scan = store.dynamo.scan().table_name(&*store.table).consistent_read(true);
            let page = scan.set_exclusive_start_key(start).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Self(items);
            }
        }
    }

    fn of(&self, entity: &str) -> impl Iterator<Item = &Item> {
        self.0.iter().filter(move |item| text(item, "entity") == entity)
    }

    /// Compares every number of a scorecard of the whole hub with this table.
    pub fn agrees_with(&self, card: &Value) {
        let window = (text_of(card, "/window/from"), text_of(card, "/window/to"));
        let parts = [
            ("/open_allocations", self.allocations()),
            ("/pools", self.pools(window)),
            ("/findings", self.findings(window)),
            ("/files", self.files(window)),
            ("/commissioning_latency", self.latency(window)),
        ];
        for (pointer, expected) in parts {
            for (name, value) in expected.as_object().unwrap() {
                let found = card.pointer(&format!("{pointer}/{name}"));
                assert_eq!(found, Some(value), "{pointer}/{name}");
            }
        }
        self.fills(card);
        self.codes(card);
        self.waiting(card);
        self.lines(card);
    }

    fn open(&self) -> Vec<&Item> {
        let is_open =
            |item: &&Item| ["reserved", "exported", "active"].contains(&text(item, "status"));
        self.of("allocation").filter(is_open).collect()
    }

    /// Numbers used and numbers on packs of an allocation, from its blocks.
    fn fill(&self, id: &str) -> (u64, u64) {
        let prefix = format!("BLOCK#{id}#");
        let (mut used, mut packed) = (0, 0);
        for block in self.of("block").filter(|item| text(item, "pk").starts_with(&prefix)) {
            let mut seen = BTreeSet::new();
            for fact in FACTS {
                let Some(bytes) = block.get(fact).and_then(|value| value.as_b().ok()) else {
                    continue;
                };
                for offset in BlockSet::decode(bytes.as_ref()).unwrap().iter() {
                    if seen.insert(offset.get()) && fact == "commissioned" {
                        packed += 1;
                    }
                }
            }
            used += count(seen.len());
        }
        (used, packed)
    }

    fn allocations(&self) -> Value {
        let open = self.open();
        let size =
            |items: &[&Item]| count(items.iter().map(|item| number(item, "size")).sum::<u128>());
        let fills: Vec<(u64, u64)> = open.iter().map(|item| self.fill(text(item, "id"))).collect();
        let lines: BTreeSet<(&str, &str)> =
            open.iter().map(|item| (text(item, "line_gln"), text(item, "system_id"))).collect();
        let by_line: Vec<Value> = lines
            .iter()
            .map(|(line, system)| {
                let of_line = |item: &&Item| {
                    (text(item, "line_gln"), text(item, "system_id")) == (*line, *system)
                };
                let own: Vec<&Item> = open.iter().copied().filter(of_line).collect();
                let fills = own.iter().map(|item| self.fill(text(item, "id")));
                let (used, packed) = fills.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                json!({
                    "line_gln": (!line.is_empty()).then_some(line),
                    "system_id": system,
                    "allocations": own.len(),
                    "reserved": size(&own),
                    "used": used,
                    "commissioned": packed,
                    "oldest_at": own.iter().map(|item| text(item, "created_at")).min(),
                })
            })
            .collect();
        json!({
            "total": open.len(),
            "truncated": false,
            "reserved": size(&open),
            "used": fills.iter().map(|fill| fill.0).sum::<u64>(),
            "commissioned": fills.iter().map(|fill| fill.1).sum::<u64>(),
            "lines_total": lines.len(),
            "by_line": by_line,
        })
    }

    /// Every open allocation is shown with its own numbers, the oldest first.
    fn fills(&self, card: &Value) {
        let mut open = self.open();
        open.sort_by_key(|item| (text(item, "created_at"), text(item, "id")));
        let shown = card["open_allocations"]["oldest"].as_array().unwrap();
        assert_eq!(shown.len(), open.len());
        let now = ms(text_of(card, "/window/to"));
        for (row, item) in shown.iter().zip(open) {
            let (used, packed) = self.fill(text(item, "id"));
            assert_eq!(row["allocation_id"], text(item, "id"));
            assert_eq!(
                (&row["used"], &row["commissioned"]),
                (&json!(used), &json!(packed)),
                "{row}"
            );
            assert_eq!(row["status"], text(item, "status"));
            let size = count(number(item, "size"));
            assert_eq!(
                (&row["reserved"], &row["fill_percent"]),
                (&json!(size), &json!(used * 100 / size))
            );
            let age = (now - ms(text(item, "created_at"))) / 1_000;
            assert_eq!(row["age_seconds"].as_i64().map(i128::from), Some(age));
        }
    }

    fn pools(&self, (from, to): (&str, &str)) -> Value {
        let mut near = Vec::new();
        for pool in self.of("pool") {
            let own = |item: &&Item| {
                text(item, "pool_id") == text(pool, "id") && text(item, "created_at") >= from
            };
            let reserved: u128 =
                self.of("allocation").filter(own).map(|item| number(item, "size")).sum();
            let seconds = u128::from(count((ms(to) - ms(from)) / 1_000));
            let remaining = number(pool, "remaining");
            let hours =
                (remaining * seconds).checked_div(reserved).map(|s| (s / 3_600).min(87_600));
            let threshold = number(pool, "threshold");
            if remaining < threshold * 2 || hours.is_some_and(|hours| hours < 72) {
                near.push((
                    hours.unwrap_or(u128::MAX),
                    remaining >= threshold,
                    json!({
                        "pool_id": text(pool, "id"),
                        "name": text(pool, "name"),
                        "gtin": text(pool, "gtin"),
                        "status": text(pool, "status"),
                        "remaining": remaining.to_string(),
                        "threshold": threshold.to_string(),
                        "below_threshold": remaining < threshold,
                        "reserved_in_window": count(reserved),
                        "hours_left": hours.map(count),
                    }),
                ));
            }
        }
        near.sort_by_key(|(hours, enough, row)| (*hours, *enough, row["pool_id"].to_string()));
        json!({
            "total": self.of("pool").count(),
            "truncated": false,
            "near_total": near.len(),
            "near": near.into_iter().map(|(_, _, row)| row).collect::<Vec<_>>(),
        })
    }

    fn findings(&self, (from, to): (&str, &str)) -> Value {
        let unresolved: Vec<&Item> = self
            .of("finding")
            .filter(|item| ["open", "acknowledged"].contains(&text(item, "status")))
            .collect();
        let by_severity: Vec<Value> = SEVERITIES
            .iter()
            .map(|severity| {
                let of_status = |status: &str| {
                    let same = |item: &&&Item| {
                        text(item, "severity") == *severity && text(item, "status") == status
                    };
                    unresolved.iter().filter(same).count()
                };
                json!({"severity": severity, "open": of_status("open"), "acknowledged": of_status("acknowledged")})
            })
            .collect();
        let mut hours = vec![BTreeMap::<&str, usize>::new(); 24];
        for item in self.of("finding").filter(|item| text(item, "at") >= from) {
            let hour = (ms(text(item, "at")) - ms(from)) / 3_600_000;
            *hours[usize::try_from(hour).unwrap().min(23)]
                .entry(text(item, "severity"))
                .or_default() += 1;
        }
        let start = |hour: usize| {
            let back = time::Duration::HOUR * i32::try_from(24 - hour).unwrap();
            store::time::rfc3339_ms(OffsetDateTime::parse(to, &Rfc3339).unwrap() - back)
        };
        let per_hour: Vec<Value> = hours
            .iter()
            .enumerate()
            .map(|(hour, counts)| {
                let count = |severity| counts.get(severity).copied().unwrap_or(0);
                json!({"from": start(hour), "critical": count("critical"), "error": count("error"),
                    "warning": count("warning"), "info": count("info")})
            })
            .collect();
        json!({
            "unresolved": unresolved.len(),
            "truncated": false,
            "by_severity": by_severity,
            "per_hour": per_hour,
        })
    }

    /// Unresolved findings by code and severity, whatever their order.
    fn codes(&self, card: &Value) {
        let mut codes: BTreeMap<(&str, &str), (usize, usize, u128, &str)> = BTreeMap::new();
        for item in self.of("finding") {
            let status = text(item, "status");
            if status == "resolved" {
                continue;
            }
            let key = (text(item, "code"), text(item, "severity"));
            let sum = codes.entry(key).or_insert((0, 0, 0, text(item, "at")));
            sum.0 += usize::from(status == "open");
            sum.1 += usize::from(status == "acknowledged");
            sum.2 += number(item, "count");
            sum.3 = sum.3.min(text(item, "at"));
        }
        let shown = card["findings"]["by_code"].as_array().unwrap();
        assert_eq!(shown.len(), codes.len());
        for row in shown {
            let key = (row["code"].as_str().unwrap(), row["severity"].as_str().unwrap());
            let (open, acknowledged, serials, oldest) = codes[&key];
            assert_eq!((&row["open"], &row["acknowledged"]), (&json!(open), &json!(acknowledged)));
            assert_eq!(row["serials"].as_u64().map(u128::from), Some(serials), "{row}");
            assert_eq!(row["oldest_at"], oldest, "{row}");
        }
    }

    /// Documents that wait, wherever the hub looks for them.
    fn waiting(&self, card: &Value) {
        let next_try = |item: &&Item| {
            let copies = item["judgements"].as_l().unwrap().iter();
            copies.filter(|copy| copy.as_m().unwrap().contains_key("next_try_at")).count() > 0
        };
        let refused = |item: &&Item| {
            text(item, "status") == "quarantined" && !item.contains_key("resolution")
        };
        let ids = |pointer: &str| -> BTreeSet<String> {
            let rows = card.pointer(pointer).unwrap().as_array().unwrap();
            rows.iter().map(|row| text_of(row, "/content_sha256").to_owned()).collect()
        };
        let of = |items: Vec<&Item>| -> BTreeSet<String> {
            items.iter().map(|item| text(item, "content_sha256").to_owned()).collect()
        };
        let parked = of(self.of("document").filter(next_try).collect());
        let refused = of(self.of("document").filter(refused).collect());
        assert_eq!(ids("/files/waiting/documents"), parked);
        assert_eq!(ids("/files/refused/documents"), refused);
        assert_eq!(card["files"]["waiting"]["total"], parked.len());
        assert_eq!(card["files"]["refused"]["total"], refused.len());
    }

    /// Lines by how long they have been silent, in their own intervals.
    fn lines(&self, card: &Value) {
        let now = ms(text_of(card, "/window/to"));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for line in self.of("line") {
            let times = line["recent_ms"].as_l().unwrap().iter();
            let mut times: Vec<i128> =
                times.map(|time| time.as_n().unwrap().parse().unwrap()).collect();
            times.sort_unstable();
            let mut steps: Vec<i128> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            steps.sort_unstable();
            let middle = steps.get(steps.len() / 2).copied().unwrap_or(60_000);
            let interval = middle.clamp(1_000, 3_600_000);
            let silent = (now - times.last().unwrap()).max(0);
            let status = match silent {
                silent if silent <= 3 * interval => "live",
                silent if silent <= 10 * interval => "stale",
                _ => "offline",
            };
            *counts.entry(status).or_default() += 1;
            let rows = card["lines"]["list"].as_array().unwrap();
            let row = rows.iter().find(|row| row["line_gln"] == text(line, "line_gln")).unwrap();
            assert_eq!(row["status"], status, "{row}");
            assert_eq!(row["last_heartbeat_at"], text(line, "last_at"), "{row}");
            assert_eq!(row["state"], text(line, "state"), "{row}");
            seen.insert(text(line, "line_gln"));
        }
        for status in ["live", "stale", "offline"] {
            assert_eq!(card["lines"][status], counts.get(status).copied().unwrap_or(0), "{status}");
        }
        assert_eq!(card["lines"]["total"], seen.len());
    }

    fn files(&self, (from, _): (&str, &str)) -> Value {
        let received: Vec<&Item> =
            self.of("document").filter(|item| text(item, "received_at") >= from).collect();
        let count = |wanted: &[&str]| {
            received.iter().filter(|item| wanted.contains(&text(item, "status"))).count()
        };
        json!({
            "received": received.len(),
            "reconciled": count(&["reconciled"]),
            "in_progress": count(&["received", "applying"]),
            "parked": count(&["parked"]),
            "quarantined": count(&["quarantined"]),
            "truncated": false,
        })
    }

    fn latency(&self, (from, _): (&str, &str)) -> Value {
        let mut all = Vec::new();
        for document in self.of("document").filter(|item| text(item, "received_at") >= from) {
            for copy in document["judgements"].as_l().unwrap() {
                let copy = copy.as_m().unwrap();
                if text(copy, "status") == "reconciled" {
                    all.push(count(ms(text(copy, "reconciled_at")) - ms(text(copy, "first_at"))));
                }
            }
        }
        // The least value that so many of a hundred do not exceed.
        let percentile = |percent: usize| {
            let fits = |value: &&u64| {
                all.iter().filter(|other| *other <= *value).count() * 100 >= percent * all.len()
            };
            all.iter().filter(fits).min().copied()
        };
        json!({
            "samples": all.len(),
            "p50_ms": percentile(50),
            "p95_ms": percentile(95),
            "max_ms": all.iter().max(),
        })
    }
}

fn text_of<'a>(card: &'a Value, pointer: &str) -> &'a str {
    card.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
}
