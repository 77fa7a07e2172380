//! Does an operation to the real hub, and says what the reference may be afterwards.

mod ends;

use domain::ids::SystemId;
use serde_json::{Value, json};
use store::inbound::Notice as Announced;
use testkit::Faults;
use time::Duration;

use crate::op::{Death, File, GiveBack, How, Kind, Op, PoolChange, PoolWish, Verb, Wish};
use crate::plant::{Answer, INBOUND, Plant, Process};
use crate::reference::{Asked, EXPIRY, Notice, Reference, request_id};
use crate::spaces::{FORMS, Form, text};

const POOLS: &str = "/api/v1/l3/pools";
const ALLOCATIONS: &str = "/api/v1/l3/allocations";

/// A hub, the process that serves its requests, and what it should be.
pub struct Doing {
    pub plant: Plant,
    pub live: Process,
    pub model: Reference,
}

impl Doing {
    pub async fn start() -> Self {
        let plant = Plant::start().await;
        let live = plant.process(None);
        let model = Reference { now: plant.hands.now().unix_timestamp(), ..Reference::default() };
        Self { plant, live, model }
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.plant.hands.advance(Duration::seconds(seconds));
        self.model.now += seconds;
    }

    /// Does an operation; gives everything that the reference may be now.
    pub async fn run(&mut self, op: &Op) -> Vec<Reference> {
        let mut next = self.model.clone();
        match op {
            Op::CreatePool(wish) => self.create_pool(&mut next, wish).await,
            Op::ChangePool { pool, change } => self.change_pool(&mut next, pool, *change).await,
            Op::Reserve { asker, id, wish, how } => {
                return self.reserve((asker, *id), wish, *how).await;
            }
            Op::Abandon { asker, id, wish, death } => {
                let (method, body) = ("POST", reservation(*id, wish));
                self.dying(*death).ask(asker, (method, ALLOCATIONS), Some(&body)).await;
                return next.reserve_in_part(Asked { asker, id: *id, wish, afresh: true });
            }
            Op::Turn { allocation, verb, how } => {
                self.turn(&mut next, allocation, (*verb, *how)).await;
            }
            Op::End { allocation, reported, how } => {
                self.end(&mut next, allocation, (*reported, *how)).await;
            }
            Op::Review { allocation, accept, by, how } => {
                let decision = if *accept { "accept" } else { "reopen" };
                let body = json!({"decision": decision, "reason": "looked at by the model"});
                let said = next.review(allocation, *accept, by);
                let of = format!("{}/{by}", next.allocations[allocation].system);
                self.decide((&of, &format!("{allocation}/review")), &body, (said, *how)).await;
            }
            Op::GiveBack { asked, how } => self.give_back(&mut next, asked, *how).await,
            Op::Send { sender, file, how } => {
                let at = self.put(&mut next, sender, file);
                self.deliver(&next.notices[at], *how).await;
                next.arrive(at);
            }
            Op::Lose { sender, file } => {
                self.put(&mut next, sender, file);
            }
            Op::Redeliver { notice, how } => self.deliver(&next.notices[*notice], *how).await,
            Op::Copy { sender, notice, how } => {
                let file = next.notices[*notice].file.clone();
                let at = self.put(&mut next, sender, &file);
                self.deliver(&next.notices[at], *how).await;
                next.arrive(at);
            }
            Op::Wait { minutes } => {
                self.pass(i64::try_from(*minutes).unwrap() * 60);
                next.now = self.model.now;
                self.sweep(&mut next).await;
            }
            Op::Restart => {
                self.live = self.plant.process(None);
                next.known.clear();
                next.offering.clear();
            }
        }
        vec![next]
    }

    /// A process that will not live long.
    fn dying(&self, death: Death) -> Process {
        let faults = Faults::none();
        let faults = if death.served {
            faults.dies_after(death.call)
        } else {
            faults.dies_before(death.call)
        };
        self.plant.process(Some(&faults))
    }

    async fn create_pool(&self, next: &mut Reference, wish: &PoolWish) {
        let mut body = json!({
            "name": "pool", "encoding": "SGTIN", "gtin": wish.gtin, "company_prefix_length": 7,
            "from": wish.from.to_string(), "to": wish.to.to_string(),
            "max_request": wish.max_request, "eu_rules": wish.eu,
            "reoffer": reoffer(wish.reoffer),
        });
        let fields = match wish.space {
            None => json!({"scheme": "sequential", "width": 12}),
            Some(space) => {
                let Form { prefix, alphabet, length } = &FORMS[space];
                json!({"scheme": "randomised", "prefix": prefix, "alphabet": alphabet, "length": length})
            }
        };
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = self.live.ask("L1", ("POST", POOLS), Some(&body)).await;
        says(&answer, next.creates(wish));
        if answer.status == 201 {
            next.create_pool(answer.body["id"].as_str().unwrap(), wish);
            if let Some(space) = wish.space {
                let id = answer.body["space"]["id"].as_str().unwrap();
                self.plant.plant_key((wish.gtin, id), space).await;
            }
        }
    }

    async fn change_pool(&self, next: &mut Reference, pool: &str, change: PoolChange) {
        let body = match change {
            PoolChange::Suspend => json!({"status": "suspended"}),
            PoolChange::Resume => json!({"status": "active"}),
            PoolChange::Extend(to) => json!({"to": to.to_string()}),
            PoolChange::MaxRequest(max) => json!({"max_request": max}),
            PoolChange::Reoffer(again) => json!({"reoffer": reoffer(again)}),
        };
        let path = format!("{POOLS}/{pool}");
        let answer = self.live.ask("L1", ("PATCH", &path), Some(&body)).await;
        says(&answer, next.change_pool(pool, change));
    }

    async fn reserve(&self, of: (&'static str, u64), wish: &Wish, how: How) -> Vec<Reference> {
        let (route, body, (system, id)) = (("POST", ALLOCATIONS), reservation(of.1, wish), of);
        let mut next = self.model.clone();
        let afresh = matches!(how, How::Dies(_));
        let asked = Asked { asker: system, id, wish, afresh };
        let may_be = match how {
            How::Once => Vec::new(),
            How::Twice => self.model.reserve_twice(asked),
            // What died behind the record left the entry, and its successor found the record.
            How::Dies(_) => self.model.reserve_in_part(asked).split_off(1),
        };
        let said = next.reserve(asked);
        match how {
            How::Once => {
                let answer = self.live.ask(system, route, Some(&body)).await;
                says(&answer, said);
                tells(&answer, &next, &asked.allocation_id());
            }
            How::Twice => {
                let other = self.plant.process(None);
                let both = tokio::join!(
                    self.live.ask(system, route, Some(&body)),
                    other.ask(system, route, Some(&body))
                );
                served(&both.0, said);
                served(&both.1, said);
            }
            How::Dies(death) => {
                self.dying(death).ask(system, route, Some(&body)).await;
                let answer = self.plant.process(None).ask(system, route, Some(&body)).await;
                served(&answer, said);
            }
        }
        // An entry that was recorded may stay open; one that was not is finished by the second try.
        let is_whole = |one: &Reference| one.allocations.len() == next.allocations.len();
        let mut all: Vec<_> = may_be.into_iter().filter(is_whole).collect();
        all.insert(0, next);
        all
    }

    async fn turn(&self, next: &mut Reference, id: &str, (verb, how): (Verb, How)) {
        let (method, verb_path) = match verb {
            Verb::Confirm => ("POST", "confirm"),
            Verb::Void => ("POST", "void"),
            Verb::Close => ("POST", "close"),
            Verb::Export => ("GET", "export"),
        };
        let path = format!("{ALLOCATIONS}/{id}/{verb_path}");
        let system = next.allocations[id].system;
        let said = next.turn(id, verb);
        let (route, body) = ((method, path.as_str()), json!({}));
        let body = Some(&body).filter(|_| method == "POST");
        if let How::Dies(death) = how {
            self.dying(death).ask(system, route, body).await;
        }
        if how == How::Twice {
            let other = self.plant.process(None);
            let both =
                tokio::join!(self.live.ask(system, route, body), other.ask(system, route, body));
            for answer in [both.0, both.1] {
                says(&done(answer), said);
            }
        } else {
            says(&done(self.live.ask(system, route, body).await), said);
        }
    }

    async fn give_back(&self, next: &mut Reference, asked: &GiveBack, how: How) {
        let allocation = &next.allocations[&asked.allocation];
        let (system, start) = (allocation.system, allocation.start);
        let (gtin, space) = (allocation.wish.gtin, next.space_of(allocation));
        let fates = [(Kind::Return, "return"), (Kind::Deactivate, "deactivate")];
        let fate = fates.iter().find(|(fate, _)| *fate == asked.fate);
        let fate = fate.map_or("destroy", |(_, word)| *word);
        let mut body = json!({"fate": fate, "reason": "told by the model"});
        match asked.run {
            None => body["all_unused"] = true.into(),
            Some((first, last)) => {
                let text = |number: u64| text(gtin, space, start + number);
                if space.is_some() {
                    body["serials"] = (first..=last).map(text).collect();
                } else {
                    body["ranges"] = json!([{"from": text(first), "to": text(last)}]);
                }
            }
        }
        let path = format!("{ALLOCATIONS}/{}/return", asked.allocation);
        let (route, key) = (("POST", path.as_str()), format!("K{}", asked.key));
        let (body, key) = (Some(&body), Some(key.as_str()));
        let (said, open) = next.gives_back(asked);
        if let How::Dies(death) = how {
            self.dying(death).ask_once(system, route, body, key).await;
        }
        let mut answers = Vec::new();
        if how == How::Twice {
            let other = self.plant.process(None);
            let both = tokio::join!(
                self.live.ask_once(system, route, body, key),
                other.ask_once(system, route, body, key)
            );
            answers.extend([both.0, both.1]);
        } else {
            answers.push(self.live.ask_once(system, route, body, key).await);
        }
        for answer in answers {
            says(&answer, said);
            let sha = answer.body["document"].as_str().unwrap_or_default();
            if said.0 == 200 && !next.changes.contains_key(sha) {
                assert_eq!(answer.body["taken"], open.len(), "{}", answer.body);
                next.give_back(asked, sha, &open);
            }
        }
    }

    /// Puts a file; nobody hears of it yet.
    fn put(&self, next: &mut Reference, sender: &'static str, file: &File) -> usize {
        let key = format!("inbound/{sender}/{:04}.xml", next.notices.len());
        let version = self.plant.shelf.put(INBOUND, &key, file.bytes());
        let (file, sha, put_at) = (file.clone(), file.sha256(), next.now);
        next.put(Notice { sender, key, version, file, sha, put_at, arrived: false });
        next.notices.len() - 1
    }

    async fn deliver(&self, notice: &Notice, how: How) {
        let message = Announced {
            bucket: INBOUND.to_owned(),
            key: notice.key.clone(),
            version_id: notice.version.clone(),
            sequencer: String::new(),
        };
        assert_eq!(message.system(), SystemId::parse(notice.sender).ok());
        let message = message.message();
        if let How::Dies(death) = how {
            // Whether it came to its end or not: SQS delivers again what was not said to be done.
            self.dying(death).deliver(&message).await.unwrap_or_default();
        }
        if how == How::Twice {
            let other = self.plant.process(None);
            let both = tokio::join!(self.live.deliver(&message), other.deliver(&message));
            assert_eq!(both, (Ok(()), Ok(())), "deliveries at once");
        } else {
            assert_eq!(self.live.deliver(&message).await, Ok(()));
        }
    }

    /// The sweep, and what it sends.
    async fn sweep(&self, next: &mut Reference) {
        self.live.sweep().await;
        next.sweep_pools();
        next.sweep_holds();
        next.sweep_documents();
        next.sweep_notices();
        while let Some(message) = self.plant.shelf.message() {
            // Large files are written, and events of pools are heard, by somebody else.
            if store::inbound::parse(&message).is_err() {
                continue;
            }
            assert_eq!(self.live.deliver(&message).await, Ok(()), "{message}");
        }
    }
}

fn reservation(id: u64, wish: &Wish) -> Value {
    let mut body = json!({
        "request_id": request_id(id), "gtin": wish.gtin, "quantity": wish.quantity,
        "expiry": EXPIRY, "mode": wish.mode.word(),
        "allow_partial": wish.partial,
    });
    let fields = [
        ("lot", wish.lot.map(Value::from)),
        ("pool_id", wish.pool.clone().map(Value::from)),
        ("hold_minutes", wish.hold_minutes.map(Value::from)),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    body
}

#[track_caller]
fn says(answer: &Answer, said: (u16, &str)) {
    assert_eq!((answer.status, answer.problem.as_str()), said, "{}", answer.body);
}

fn reoffer(again: bool) -> &'static str {
    if again { "returned" } else { "never" }
}

/// The numbers that an answer lists are those of the allocation, as the reference prints them.
#[track_caller]
fn tells(answer: &Answer, next: &Reference, id: &str) {
    let (Some(texts), Some(one)) = (answer.body["serials"].as_array(), next.allocations.get(id))
    else {
        return;
    };
    let count = u64::try_from(texts.len()).unwrap();
    assert_eq!(count, one.size);
    for (at, said) in (0..).zip(texts).filter(|(at, _)| *at < 3 || at + 1 == count) {
        assert_eq!(*said, text(one.wish.gtin, next.space_of(one), one.start + at));
    }
}

/// A file that is too large for an answer is promised, and that is as good here.
fn done(answer: Answer) -> Answer {
    if answer.status == 202 { Answer { status: 200, ..answer } } else { answer }
}

/// Whichever copy was first.
#[track_caller]
fn served(answer: &Answer, said: (u16, &str)) {
    let is_served = said.0 == 201 && matches!(answer.status, 200 | 201);
    if !is_served {
        says(answer, said);
    }
}
