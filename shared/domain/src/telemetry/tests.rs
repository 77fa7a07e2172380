#![expect(clippy::arithmetic_side_effects, reason = "the numbers of a test are small")]

use proptest::prelude::*;

use super::*;
use crate::gln::Gln;

const START: u64 = 1_795_420_800_000; // 2026-11-23T08:00:00Z

fn sample(at_ms: u64, processed: u64) -> Sample {
    Sample {
        at_ms: START + at_ms,
        seq: None,
        state: State::Execute,
        mode: Some(Mode::Production),
        counters: Counters {
            consumed: Some(processed + processed / 10),
            processed: Some(processed),
            defective: Some(processed / 10),
        },
        speed_milli: Some(60_000),
        design_milli: Some(120_000),
        blocked: false,
        starved: false,
        serials_remaining: Some(1_000_000_u64.saturating_sub(processed)),
    }
}

fn heartbeat(sample: Sample) -> Heartbeat {
    let about = About { lot: sample.seq.map(|seq| format!("L{seq}")), ..About::default() };
    Heartbeat { line: Gln::parse("0313000000018").unwrap(), sample, about }
}

/// What the store does with deliveries: a set for each minute, joined delivery by delivery.
fn minutes_of(deliveries: &[Vec<Sample>]) -> std::collections::BTreeMap<u64, Minute> {
    let mut minutes = std::collections::BTreeMap::<u64, Minute>::new();
    for delivery in deliveries {
        let mut part = std::collections::BTreeMap::<u64, Minute>::new();
        for sample in delivery {
            part.entry(sample.minute_ms()).or_default().add(*sample);
        }
        for (start, minute) in part {
            let stored = minutes.entry(start).or_default();
            // As it is stored and read again in between.
            *stored = Minute::decode(start, &stored.encode(start)).unwrap();
            stored.join(&minute);
        }
    }
    minutes
}

fn roll_ups(minutes: &std::collections::BTreeMap<u64, Minute>) -> Vec<MinuteRollup> {
    let mut before = None;
    let roll = |(start, minute): (&u64, &Minute)| {
        let rolled = minute.roll_up(*start, before.as_ref(), u64::MAX)?;
        before = Some(rolled.last);
        Some(rolled)
    };
    minutes.iter().filter_map(roll).collect()
}

/// Heartbeats of a line over some minutes, with counters that grow and are set back.
fn story() -> impl Strategy<Value = Vec<Sample>> {
    let step = (1..20_000_u64, 0..50_u64, 0..12_u8, 0..4_u8, 0..17_usize);
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let (mut at, mut processed) = (0, 100_u64);
        let mut samples = Vec::new();
        for (n, (after, made, luck, numbering, state)) in (0_u64..).zip(steps) {
            at += after;
            processed = if luck == 0 { made / 2 } else { processed + made };
            let mut one = sample(at, processed);
            // Most are numbered; some collide with an earlier number, some have none at all.
            one.seq = match numbering {
                0 => None,
                1 => Some(n / 2),
                _ => Some(n + 1_000),
            };
            one.state = State::ALL[state];
            samples.push(one);
        }
        samples
    })
}

/// A story, and the same shuffled, with repetitions, in deliveries of any size.
fn retold() -> impl Strategy<Value = (Vec<Sample>, Vec<Vec<Sample>>)> {
    story().prop_flat_map(|samples| {
        let again = prop::collection::vec(prop::sample::select(samples.clone()), 0..60);
        let all = again.prop_map({
            let samples = samples.clone();
            move |again| [samples.clone(), again].concat()
        });
        (Just(samples), all.prop_shuffle(), 1..40_usize).prop_map(|(samples, all, size)| {
            let deliveries = all.chunks(size).map(<[Sample]>::to_vec).collect();
            (samples, deliveries)
        })
    })
}

proptest! {
    #[test]
    fn shuffled_repeated_and_split_heartbeats_give_the_same_roll_ups((told, again) in retold()) {
        let plain = minutes_of(std::slice::from_ref(&told));
        let shuffled = minutes_of(&again);
        prop_assert_eq!(&plain, &shuffled);
        let (plain, shuffled) = (roll_ups(&plain), roll_ups(&shuffled));
        prop_assert_eq!(&plain, &shuffled);
        prop_assert_eq!(hours(&plain), hours(&shuffled));
    }

    #[test]
    fn a_line_is_known_by_its_newest_heartbeats_in_whatever_order((told, again) in retold()) {
        let line_of = |samples: Vec<Sample>| {
            let mut line = Line::new(heartbeat(samples[0]));
            for sample in samples {
                line.hear(&heartbeat(sample));
                prop_assert!(!line.hear(&heartbeat(sample)));
            }
            let last = Heartbeat {
                line: *line.gln(), sample: *line.last(), about: line.about().clone(),
            };
            prop_assert_eq!(&Line::restore(last, line.recent_ms().to_vec()), &line);
            Ok(line)
        };
        prop_assert_eq!(line_of(told)?, line_of(again.concat())?);
    }

    #[test]
    fn joining_sets_is_commutative_associative_and_idempotent(
        a in story(), b in story(), c in story()
    ) {
        let set = |samples: &[Sample]| {
            let mut minute = Minute::default();
            for sample in samples {
                minute.add(*sample);
            }
            minute
        };
        let joined = |a: &Minute, b: &Minute| {
            let mut both = a.clone();
            both.join(b);
            both
        };
        let (a, b, c) = (set(&a), set(&b), set(&c));
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(joined(&a, &a), a);
    }

    #[test]
    fn what_is_left_out_of_a_crowded_minute_does_not_depend_on_order(
        numbers in prop::collection::vec(0..2_000_u64, 0..2_500), size in 1..700_usize
    ) {
        let of = |numbers: &[u64]| -> Vec<Sample> {
            numbers
                .iter()
                .map(|n| Sample { seq: Some(*n), ..sample(*n, *n) })
                .collect()
        };
        let forward = of(&numbers);
        let backward: Vec<Sample> = forward.iter().rev().copied().collect();
        let one = minutes_of(&[forward]);
        let chunks: Vec<Vec<Sample>> = backward.chunks(size).map(<[Sample]>::to_vec).collect();
        prop_assert_eq!(&one, &minutes_of(&chunks));
        prop_assert!(one.values().all(|minute| minute.in_order().len() <= SAMPLES_MAX));
    }

    #[test]
    fn any_bytes_are_a_minute_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(minute) = Minute::decode(START, &bytes) {
            let again = Minute::decode(START, &minute.encode(START)).unwrap();
            prop_assert_eq!(again, minute);
        }
    }

    /// The sum over minutes is what a plain walk over the whole day counts.
    #[test]
    fn nothing_falls_between_two_minutes(told in story()) {
        let minutes = minutes_of(&[told]);
        let mut all: Vec<Sample> = minutes.values().flat_map(Minute::in_order).collect();
        all.sort_unstable();
        let walked: u64 = all
            .windows(2)
            .map(|two| {
                let (a, b) = (two[0].counters.processed.unwrap(), two[1].counters.processed.unwrap());
                if b < a { b } else { b - a }
            })
            .sum();
        let rolled = roll_ups(&minutes);
        let total = Totals::sum(rolled.iter().map(|minute| &minute.totals));
        prop_assert_eq!(total.processed, Some(walked));
        let summed = Totals::sum(hours(&rolled).iter().map(|hour| &hour.totals));
        prop_assert_eq!(summed, total);
    }
}

#[test]
fn a_minute_of_sixty_heartbeats_is_below_a_kilobyte() {
    let mut minute = Minute::default();
    for second in 0..60 {
        let seq = Some(18_231 + second);
        minute.add(Sample { seq, ..sample(second * 1_000, 50_980 + second * 2) });
    }
    let bytes = minute.encode(START);
    assert!(bytes.len() < 800, "{}", bytes.len());
    assert_eq!(Minute::decode(START, &bytes), Ok(minute));
}

#[test]
fn a_counter_that_drops_counts_from_zero_and_a_refill_burns_nothing() {
    let mut minute = Minute::default();
    for (at, shown) in [(0, 100), (10_000, 120), (20_000, 5), (30_000, 15)] {
        minute.add(sample(at, shown));
    }
    let rolled = minute.roll_up(START, None, u64::MAX).unwrap();
    assert_eq!((rolled.totals.processed, rolled.totals.resets), (Some(35), 1));
    // The stock rises by 115 at the reset and falls by 20 and 10 beside it.
    assert_eq!(rolled.totals.burned, Some(30));
    let before = sample(0, 90);
    let from = Sample { at_ms: START - 20_000, ..before };
    let rolled = minute.roll_up(START, Some(&from), u64::MAX).unwrap();
    assert_eq!((rolled.totals.processed, rolled.counted_from_ms), (Some(45), START - 20_000));
}

#[test]
fn availability_performance_quality_and_burn_are_those_of_the_time_observed() {
    let mut minute = Minute::default();
    let held = Sample { state: State::Held, ..sample(30_000, 30) };
    for one in [sample(0, 0), held] {
        minute.add(one);
    }
    let totals = minute.roll_up(START, None, u64::MAX).unwrap().totals;
    assert_eq!(
        (totals.observed_ms, totals.planned_ms, totals.execute_ms),
        (60_000, 60_000, 30_000)
    );
    assert_eq!(totals.availability_ppm(), Some(500_000));
    // 30 packs in half a minute at 120 a minute would have been 60.
    assert_eq!(totals.performance_ppm(), Some(500_000));
    assert_eq!(totals.quality_ppm(), Some(900_000));
    assert_eq!(totals.oee_ppm(), Some(225_000));
    assert_eq!(totals.throughput_milli(), Some(60_000));
    assert_eq!(totals.burn_per_hour(), Some(3_600));
    assert_eq!(totals.hours_to_empty_milli(1_800), Some(500));
    let stopped = Sample { mode: Some(Mode::Maintenance), ..sample(0, 0) };
    let mut minute = Minute::default();
    minute.add(stopped);
    let totals = minute.roll_up(START, None, START + 10_000).unwrap().totals;
    assert_eq!((totals.observed_ms, totals.planned_ms), (10_000, 0));
    assert_eq!((totals.availability_ppm(), totals.throughput_milli()), (None, None));
    assert_eq!((totals.quality_ppm(), totals.oee_ppm()), (None, None));
    assert_eq!(totals.hours_to_empty_milli(5), None);
}

#[test]
fn a_heartbeat_holds_for_ninety_seconds_and_over_the_turn_of_a_minute() {
    let mut minute = Minute::default();
    minute.add(sample(50_000, 10));
    let at = |ago: u64| Sample { at_ms: START - ago, ..sample(0, 5) };
    let observed =
        |before: &Sample| minute.roll_up(START, Some(before), u64::MAX).unwrap().totals.observed_ms;
    assert_eq!(observed(&at(10_000)), 60_000);
    assert_eq!(observed(&at(80_000)), 20_000);
    assert_eq!(observed(&at(90_000)), 10_000);
}

#[test]
fn the_same_identity_keeps_the_lesser_heartbeat_whichever_came_first() {
    let (early, late) = (
        Sample { seq: Some(7), ..sample(1_000, 10) },
        Sample { seq: Some(7), ..sample(2_000, 11) },
    );
    let mut minute = Minute::default();
    assert_eq!(minute.add(late), Added::New);
    assert_eq!(minute.add(early), Added::Repeated);
    assert_eq!(minute.add(late), Added::Repeated);
    assert_eq!(minute.in_order(), [early]);
    let unnumbered = Sample { seq: None, ..early };
    assert_eq!((minute.add(unnumbered), minute.add(unnumbered)), (Added::New, Added::Repeated));
}

#[test]
fn a_silent_line_is_live_then_stale_then_offline() {
    let mut line = Line::new(heartbeat(sample(0, 0)));
    assert_eq!(line.interval_ms(), 60_000);
    for n in 1..6 {
        line.hear(&heartbeat(sample(n * 10_000, n)));
    }
    // One gap of an hour does not change the estimate.
    for n in 0..3 {
        line.hear(&heartbeat(sample(3_600_000 + n * 10_000, n)));
    }
    assert_eq!(line.interval_ms(), 10_000);
    let last = line.last().at_ms;
    assert_eq!(last, START + 3_620_000);
    for (silent_ms, status) in [
        (0, LineStatus::Live),
        (30_000, LineStatus::Live),
        (30_001, LineStatus::Stale),
        (100_000, LineStatus::Stale),
        (100_001, LineStatus::Offline),
    ] {
        assert_eq!(line.status(last + silent_ms), status, "{silent_ms}");
    }
    assert_eq!(line.status(last - 5_000), LineStatus::Live);
}
