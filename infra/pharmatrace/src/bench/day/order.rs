//! An order of the day: what is asked for, what the line makes of it, and how it ends.

use serde_json::{Value, json};
use store::time::rfc3339_ms;

use crate::bench::documents::{Form, Part, Run, write};
use crate::bench::plant::{Line, Pool};
use crate::wiring::now;

const EXPIRY: &str = "2028-10-31";
/// Files of an order: what the line made since the one before.
const FILES: u64 = 4;

/// One order of a line.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    number: u64,
    pub(super) size: u64,
}

impl Order {
    pub(super) fn new((line, number): (u64, u64), size: u64) -> Self {
        Self { id: format!("day-{line}-{number}"), number, size }
    }

    /// Every third is held first and confirmed.
    pub(super) fn is_held(&self) -> bool {
        self.number.is_multiple_of(3)
    }

    /// Every fourth line operator counts two packs too few, and the end waits for a review.
    pub(super) fn is_miscounted(&self) -> bool {
        self.number % 4 == 3
    }

    /// Every fifth order has a file that comes twice.
    pub(super) fn comes_twice(&self) -> bool {
        self.number.is_multiple_of(5)
    }

    /// Packs that are made: a fiftieth of the numbers is left over.
    pub(super) fn packs(&self) -> u64 {
        self.size.saturating_sub(self.size / 50)
    }

    /// Packs that are destroyed at the end of the line.
    pub(super) fn destroyed(&self) -> u64 {
        self.size / 500
    }

    pub(super) fn request(&self, pool: &Pool, line: &Line) -> Value {
        let hold_minutes = Some(60).filter(|_| self.is_held());
        json!({
            "request_id": self.id, "gtin": pool.gtin, "quantity": self.size,
            "lot": self.lot(), "expiry": EXPIRY, "line_gln": line.gln,
            "work_order": format!("WO-{}", self.id), "hold_minutes": hold_minutes,
        })
    }

    /// The end as the line reports it.
    pub(super) fn end(&self, pool: &Pool) -> Value {
        let good = self.packs().saturating_sub(self.destroyed());
        let reported = if self.is_miscounted() { good.saturating_sub(2) } else { good };
        json!({
            "lot": self.lot(), "unused": "deactivate",
            "production": [{
                "packaging_code_type": "GTIN-14", "packaging_code": pool.gtin,
                "packaging_level": "EA", "quantity_reported": reported,
            }],
        })
    }

    /// The files of the run from its first number on, with the packs that each tells of for the first time.
    pub(super) fn files(
        &self,
        (pool, line): (&Pool, &Line),
        first: u64,
    ) -> std::io::Result<Vec<(Vec<u8>, u64)>> {
        let mut files = Vec::new();
        let part = |number: u64| self.packs().saturating_mul(number) / FILES;
        for number in 0..FILES {
            let (from, to) = (part(number), part(number.saturating_add(1)));
            let (from, to) = (first.saturating_add(from), first.saturating_add(to));
            let mut parts = vec![Part::commissioned(from..to)];
            if number.saturating_add(1) == FILES {
                let broken = first..first.saturating_add(self.destroyed());
                parts.push(Part { step: "destroying", ..Part::commissioned(broken) });
            }
            let (lot, event_time) = (self.lot(), rfc3339_ms(now()));
            let run = Run {
                pool,
                lot: &lot,
                expiry: EXPIRY,
                line_sgln: &line.sgln,
                event_time: &event_time,
            };
            let mut out = Vec::new();
            write(&mut out, run, (&parts, Form::Dense))?;
            files.push((out, to.saturating_sub(from)));
        }
        Ok(files)
    }

    fn lot(&self) -> String {
        format!("LOT-{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_of_an_order_are_told_once_and_add_up() {
        for size in [100, 101, 4_999, 5_000] {
            let order = Order::new((0, 3), size);
            let pool = Pool { gtin: "09521234543213".into(), stem: "urn:epc:id:sgtin:9.".into() };
            let line = Line { gln: "9521234000006".into(), sgln: "urn:epc:id:sgln:9..0".into() };
            let files = order.files((&pool, &line), 7).unwrap();
            let told: u64 = files.iter().map(|(_, packs)| packs).sum();
            assert_eq!(told, order.packs());
            assert!(order.destroyed() < order.packs() && order.packs() < size);
            let end = order.end(&pool);
            let reported = end["production"][0]["quantity_reported"].as_u64().unwrap();
            assert_eq!(reported, order.packs() - order.destroyed() - 2);
        }
    }
}
