//! What happens next, drawn from what there is.

use crate::draw::Draw;
use crate::epcis::GTINS;
use crate::op::{
    Death, Event, File, GiveBack, How, Kind, Mode, Op, PoolChange, PoolWish, Verb, Wish,
};
use crate::plant::SYSTEMS;
use crate::reference::{Allocation, BLOCK, EXPIRY, Pool, Reference, Status};

/// What there is of an operation to draw.
#[derive(Debug, Clone, Copy)]
enum Choice {
    CreatePool,
    ChangePool,
    Reserve,
    Replay,
    OtherBody,
    Abandon,
    Turn,
    End,
    Review,
    GiveBack,
    GiveBackAgain,
    Send,
    Lose,
    Redeliver,
    Copy,
    Wait,
    Restart,
}

const CHOICES: [(u64, Choice); 17] = [
    (3, Choice::CreatePool),
    (4, Choice::ChangePool),
    (18, Choice::Reserve),
    (5, Choice::Replay),
    (3, Choice::OtherBody),
    (4, Choice::Abandon),
    (14, Choice::Turn),
    (4, Choice::End),
    (4, Choice::Review),
    (6, Choice::GiveBack),
    (1, Choice::GiveBackAgain),
    (27, Choice::Send),
    (2, Choice::Lose),
    (5, Choice::Redeliver),
    (4, Choice::Copy),
    (10, Choice::Wait),
    (1, Choice::Restart),
];

/// Draws what happens as the `step`-th thing.
pub fn op(draw: &mut Draw, model: &Reference, step: u64) -> Op {
    if model.pools.is_empty() {
        return create_pool(draw, model);
    }
    // What cannot be drawn yet, since there is nothing of it, is drawn again.
    loop {
        if let Some(op) = drawn(draw, model, step) {
            return op;
        }
    }
}

fn drawn(draw: &mut Draw, model: &Reference, step: u64) -> Option<Op> {
    Some(match draw.weighted(&CHOICES) {
        Choice::CreatePool => create_pool(draw, model),
        Choice::ChangePool => change_pool(draw, model)?,
        Choice::Reserve => {
            let (asker, wish) = (system(draw), wish(draw, model));
            let again = model.may_serve_again(wish.gtin);
            let how = if wish.partial || again { once_or_dead(draw, 6) } else { how(draw, 6) };
            Op::Reserve { asker, id: step, wish, how }
        }
        Choice::Replay => {
            let (asker, id, wish) = asked_before(draw, model)?;
            Op::Reserve { asker, id, wish, how: once_or_dead(draw, 3) }
        }
        Choice::OtherBody => {
            let (asker, id, mut wish) = asked_before(draw, model)?;
            wish.quantity += 1;
            Op::Reserve { asker, id, wish, how: How::Once }
        }
        Choice::Abandon => {
            let (asker, wish) = (system(draw), wish(draw, model));
            Op::Abandon { asker, id: step, wish, death: death(draw, 5) }
        }
        Choice::Turn => {
            let allocation = some(draw, model.allocations.keys())?;
            let verbs = [(3, Verb::Confirm), (3, Verb::Void), (4, Verb::Close), (5, Verb::Export)];
            Op::Turn { allocation, verb: draw.weighted(&verbs), how: how(draw, 5) }
        }
        Choice::End => {
            let allocation = some(draw, model.allocations.keys())?;
            let made = model.balance(&allocation).get("commissioned").copied().unwrap_or(0);
            let reported = if draw.once_in(2) { made } else { made + draw.below(3) };
            Op::End { allocation, reported, how: how(draw, 24) }
        }
        Choice::Review => {
            // Mostly one that waits.
            let any = draw.once_in(8);
            let own = model.allocations.iter();
            let own = own.filter(|(_, one)| any || one.status == Status::Review);
            let ids: Vec<&String> = own.map(|(id, _)| id).collect();
            let (allocation, accept) = (some(draw, ids.into_iter())?, !draw.once_in(3));
            let by = draw.weighted(&[(8, "other"), (1, "c")]);
            Op::Review { allocation, accept, by, how: how(draw, 16) }
        }
        Choice::GiveBack => {
            let asked = give_back(draw, model, step)?;
            Op::GiveBack { asked, how: how(draw, 16) }
        }
        Choice::GiveBackAgain => {
            let all: Vec<_> = model.changes.values().collect();
            Op::GiveBack { asked: draw.one_of(&all)?.asked.clone(), how: How::Once }
        }
        Choice::Send => {
            let sender = sender(draw);
            Op::Send { sender, file: file(draw, model, (sender, step)), how: how(draw, 45) }
        }
        Choice::Lose => {
            let sender = sender(draw);
            Op::Lose { sender, file: file(draw, model, (sender, step)) }
        }
        Choice::Redeliver => Op::Redeliver { notice: notice(draw, model)?, how: how(draw, 9) },
        Choice::Copy => {
            let (notice, sender, how) = (notice(draw, model)?, sender(draw), how(draw, 45));
            // A run that dies while it judges anew what is due leaves the rest to the sweep, in parts.
            let due = model.is_due(&model.notices[notice].sha, sender);
            Op::Copy { sender, notice, how: if due { How::Once } else { how } }
        }
        Choice::Wait => {
            let minutes = [1, 5, 11, 16, 16, 31, 61, 245, 1_500];
            Op::Wait { minutes: draw.one_of(&minutes)? }
        }
        Choice::Restart => Op::Restart,
    })
}

fn some<'a>(draw: &mut Draw, all: impl Iterator<Item = &'a String>) -> Option<String> {
    let all: Vec<&String> = all.collect();
    draw.one_of(&all).cloned()
}

fn system(draw: &mut Draw) -> &'static str {
    draw.weighted(&[(3, SYSTEMS[0]), (1, SYSTEMS[1])])
}

/// Mostly a system that exists.
fn sender(draw: &mut Draw) -> &'static str {
    draw.weighted(&[(28, SYSTEMS[0]), (10, SYSTEMS[1]), (1, "L9")])
}

fn death(draw: &mut Draw, calls: u64) -> Death {
    let call = usize::try_from(draw.within(1, calls)).unwrap();
    Death { call, served: draw.once_in(2) }
}

fn how(draw: &mut Draw, calls: u64) -> How {
    match draw.below(10) {
        0 => How::Twice,
        1 | 2 => How::Dies(death(draw, calls)),
        _ => How::Once,
    }
}

fn once_or_dead(draw: &mut Draw, calls: u64) -> How {
    if draw.once_in(5) { How::Dies(death(draw, calls)) } else { How::Once }
}

fn create_pool(draw: &mut Draw, model: &Reference) -> Op {
    let (gtin, _) = GTINS[usize::try_from(draw.weighted(&[(3, 0_u64), (1, 1)])).unwrap()];
    let size = draw.weighted(&[(4, 400), (4, 3_000), (2, 100_000)]);
    let room = 200_000 * (1 + u64::try_from(model.pools.len()).unwrap());
    // Now and then where numbers are claimed already, and below the others.
    let from = if draw.once_in(5) { draw.below(room) } else { room + draw.below(500) };
    let max_request = draw.weighted(&[(5, 50_000), (1, 60)]);
    let wish = PoolWish::plain(gtin, (from, from + size - 1), max_request);
    let spaces = [(18, None), (9, Some(0)), (4, Some(1)), (1, Some(2)), (1, Some(3))];
    let space = draw.weighted(&spaces);
    // The second space is small: under the European rules its pools have 99 numbers together.
    let (from, size) = match space {
        Some(1) if draw.once_in(2) => (draw.below(9) * 40, draw.within(30, 99)),
        _ => (wish.from, size),
    };
    let eu = draw.once_in(if space.is_some() { 3 } else { 20 });
    let reoffer = draw.once_in(2);
    Op::CreatePool(PoolWish { space, eu, reoffer, from, to: from + size - 1, ..wish })
}

fn change_pool(draw: &mut Draw, model: &Reference) -> Option<Op> {
    let pool = some(draw, model.pools.keys())?;
    let known = &model.pools[&pool];
    let change = match draw.below(7) {
        0 | 1 if known.active => PoolChange::Suspend,
        0..=2 => PoolChange::Resume,
        3 => PoolChange::MaxRequest(draw.within(20, 50_000)),
        4 => PoolChange::Reoffer(!known.reoffer),
        _ => PoolChange::Extend(known.to + draw.within(1, 300)),
    };
    Some(Op::ChangePool { pool, change })
}

fn wish(draw: &mut Draw, model: &Reference) -> Wish {
    let pools: Vec<_> = model.pools.iter().collect();
    let pool = draw.one_of(&pools);
    let of_pool = pool.map(|(_, pool)| pool.gtin);
    let gtin = if draw.once_in(12) { GTINS[1].0 } else { of_pool.unwrap_or(GTINS[0].0) };
    let quantity = match draw.below(20) {
        0 => BLOCK + draw.below(2_000),
        1 => draw.within(200, 500),
        2 => 1,
        // What few returned numbers serve.
        3..=8 => draw.within(1, 8),
        _ => draw.within(2, 60),
    };
    Wish {
        gtin,
        quantity,
        pool: pool.filter(|_| draw.once_in(3)).map(|(id, _)| id.clone()),
        lot: draw.weighted(&[(5, Some("LOT42")), (1, Some("LOT9")), (1, None)]),
        mode: match pool {
            Some((_, pool)) if pool.space.is_some() => {
                draw.weighted(&[(6, Mode::Random), (5, Mode::List), (1, Mode::Range)])
            }
            _ => draw.weighted(&[(15, Mode::Range), (5, Mode::List), (1, Mode::Random)]),
        },
        partial: draw.once_in(4),
        hold_minutes: Some(draw.within(1, 40)).filter(|_| draw.once_in(4)),
    }
}

/// A request that was served before.
fn asked_before(draw: &mut Draw, model: &Reference) -> Option<(&'static str, u64, Wish)> {
    let id = some(draw, model.allocations.keys())?;
    let allocation = &model.allocations[&id];
    Some((allocation.system, allocation.request, allocation.wish.clone()))
}

fn give_back(draw: &mut Draw, model: &Reference, key: u64) -> Option<GiveBack> {
    let allocation = some(draw, model.allocations.keys())?;
    let size = model.allocations[&allocation].size;
    let all = size <= 600 && draw.once_in(4);
    let first = draw.below(size.min(100));
    let run = (first, (first + draw.below(12)).min(size - 1));
    let fates = [(3, Kind::Return), (2, Kind::Deactivate), (2, Kind::Destroy)];
    let fate = draw.weighted(&fates);
    Some(GiveBack { allocation, key, fate, run: Some(run).filter(|_| !all) })
}

fn notice(draw: &mut Draw, model: &Reference) -> Option<usize> {
    let read = model.notices.iter().enumerate().filter(|(_, notice)| notice.arrived);
    let read: Vec<usize> = read.map(|(at, _)| at).collect();
    draw.one_of(&read)
}

fn file(draw: &mut Draw, model: &Reference, (sender, number): (&'static str, u64)) -> File {
    let events = (0..draw.within(1, 3)).map(|_| event(draw, model, sender)).collect();
    File { number, events, broken: draw.once_in(30) }
}

fn event(draw: &mut Draw, model: &Reference, sender: &'static str) -> Event {
    let kinds = [
        (60, Kind::Commission),
        (8, Kind::Encode),
        (4, Kind::Scrap),
        (7, Kind::Sample),
        (9, Kind::Decommission),
        (8, Kind::Destroy),
        (3, Kind::Return),
        (2, Kind::Deactivate),
        (3, Kind::Ship),
    ];
    let ((gtin, space), runs) = numbers(draw, model, sender);
    let back = draw.weighted(&[(6, 600_u64), (3, 3_600), (1, 20_000)]);
    Event {
        kind: draw.weighted(&kinds),
        gtin,
        space,
        runs,
        time: model.now - i64::try_from(draw.below(back)).unwrap(),
        lot: draw.weighted(&[(6, Some("LOT42")), (1, Some("LOT9")), (1, None)]),
        expiry: draw.weighted(&[(10, Some(EXPIRY)), (1, Some("2029-01-31")), (1, None)]),
        error: draw.once_in(9),
    }
}

/// Numbers: of which product and space, and runs of them.
type Named = ((&'static str, Option<usize>), Vec<(u64, u64)>);

/// Where an event's numbers lie: mostly in an allocation, often at one of its ends.
fn numbers(draw: &mut Draw, model: &Reference, sender: &str) -> Named {
    let run = |draw: &mut Draw, from: u64, long: u64| (from, from + draw.below(long));
    let all: Vec<_> = model.allocations.values().collect();
    let own: Vec<_> = all.iter().copied().filter(|one| one.system == sender).collect();
    let from = if draw.once_in(10) { &all } else { &own };
    let pools: Vec<_> = model.pools.values().collect();
    let pool = draw.one_of(&pools);
    let source = |pool: &Pool| (pool.gtin, pool.space);
    let of = |one: &Allocation| (one.wish.gtin, model.space_of(one));
    match (draw.below(20), draw.one_of(from), pool) {
        (0, _, _) => ((GTINS[2].0, None), vec![run(draw, 7, 5)]),
        (1 | 2, _, Some(pool)) => {
            let from = pool.cursor.saturating_sub(draw.below(6));
            (source(pool), vec![run(draw, from, 12)])
        }
        (3, _, Some(pool)) => {
            let from = pool.from.saturating_sub(3) + draw.below(pool.to - pool.from + 6);
            (source(pool), vec![run(draw, from, 12)])
        }
        (4 | 5, Some(one), _) if one.size > BLOCK => {
            // Around the border between two blocks.
            let from = one.start + BLOCK - draw.below(20);
            (of(one), vec![run(draw, from, 30)])
        }
        (6, Some(one), _) => (of(one), vec![(one.start, one.start + one.size.min(150) - 1)]),
        (at, Some(one), _) => {
            let within = draw.below(one.size.min(80));
            let mut runs = vec![run(draw, one.start + within, 25)];
            if at > 12 {
                let within = draw.below(one.size.min(80));
                runs.push(run(draw, one.start + within, 15));
            }
            (of(one), runs)
        }
        (_, None, Some(pool)) => (source(pool), vec![run(draw, pool.from, 20)]),
        (_, None, None) => ((GTINS[0].0, None), vec![run(draw, 200_000, 20)]),
    }
}
