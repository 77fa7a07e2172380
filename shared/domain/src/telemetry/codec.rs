//! The bytes of a minute: heartbeats in order, each as differences to the one before, about twelve bytes.

use super::minute::{Minute, SAMPLES_MAX};
use super::packml::{Mode, State};
use super::sample::{Counters, Sample};
use crate::bitmap::wire::{Reader, push_signed, push_varint};

/// The form of these bytes; another one is refused.
const FORM: u8 = 1;

/// Bytes that are no minute of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no minute of heartbeats")]
pub struct CodecError;

/// The optional numbers of a sample, each with its bit in the flags.
const NUMBERS: [(u8, Field); 7] = [
    (1, Field::Seq),
    (1 << 1, Field::Consumed),
    (1 << 2, Field::Processed),
    (1 << 3, Field::Defective),
    (1 << 4, Field::Speed),
    (1 << 5, Field::Design),
    (1 << 6, Field::Remaining),
];
const BLOCKED: u8 = 1 << 7;
const STARVED: u8 = 1 << 7;

#[derive(Debug, Clone, Copy)]
enum Field {
    Seq,
    Consumed,
    Processed,
    Defective,
    Speed,
    Design,
    Remaining,
}

impl Field {
    fn of(self, sample: &mut Sample) -> &mut Option<u64> {
        match self {
            Self::Seq => &mut sample.seq,
            Self::Consumed => &mut sample.counters.consumed,
            Self::Processed => &mut sample.counters.processed,
            Self::Defective => &mut sample.counters.defective,
            Self::Speed => &mut sample.speed_milli,
            Self::Design => &mut sample.design_milli,
            Self::Remaining => &mut sample.serials_remaining,
        }
    }
}

impl Minute {
    /// The bytes of the minute that begins at `start_ms`.
    #[must_use]
    pub fn encode(&self, start_ms: u64) -> Vec<u8> {
        let samples = self.in_order();
        let mut out = vec![FORM];
        push_varint(&mut out, u64::try_from(samples.len()).unwrap_or(u64::MAX));
        let (mut at_ms, mut before) = (start_ms, [0_u64; NUMBERS.len()]);
        for mut sample in samples {
            push_varint(&mut out, sample.at_ms.wrapping_sub(at_ms));
            at_ms = sample.at_ms;
            let mut flags = if sample.blocked { BLOCKED } else { 0 };
            for (bit, field) in NUMBERS {
                flags |= if field.of(&mut sample).is_some() { bit } else { 0 };
            }
            let mode = sample.mode.map_or(0, Mode::code);
            let starved = if sample.starved { STARVED } else { 0 };
            out.extend([flags, sample.state.code() | (mode << 5) | starved]);
            for ((_, field), last) in NUMBERS.into_iter().zip(&mut before) {
                if let Some(value) = *field.of(&mut sample) {
                    push_signed(&mut out, value.wrapping_sub(*last).cast_signed());
                    *last = value;
                }
            }
        }
        out
    }

    /// Reads the bytes of the minute that begins at `start_ms`.
    pub fn decode(start_ms: u64, bytes: &[u8]) -> Result<Self, CodecError> {
        read(start_ms, bytes).ok_or(CodecError)
    }
}

fn read(start_ms: u64, bytes: &[u8]) -> Option<Minute> {
    let mut reader = Reader::new(bytes);
    let form = reader.byte()?;
    let count = usize::try_from(reader.varint()?).ok()?;
    if form != FORM || count > SAMPLES_MAX {
        return None;
    }
    let (mut at_ms, mut before) = (start_ms, [0_u64; NUMBERS.len()]);
    let mut minute = Minute::default();
    for _ in 0..count {
        at_ms = at_ms.checked_add(reader.varint()?)?;
        let (flags, kind) = (reader.byte()?, reader.byte()?);
        let code = (kind >> 5) & 0b11;
        let mode = if code == 0 { None } else { Some(Mode::from_code(code)?) };
        let mut sample = Sample {
            at_ms,
            seq: None,
            state: State::from_code(kind & 0b1_1111)?,
            mode,
            counters: Counters::default(),
            speed_milli: None,
            design_milli: None,
            blocked: flags & BLOCKED != 0,
            starved: kind & STARVED != 0,
            serials_remaining: None,
        };
        for ((bit, field), last) in NUMBERS.into_iter().zip(&mut before) {
            if flags & bit != 0 {
                *last = last.wrapping_add(reader.signed()?.cast_unsigned());
                *field.of(&mut sample) = Some(*last);
            }
        }
        minute.add(sample);
    }
    reader.is_empty().then_some(minute)
}
