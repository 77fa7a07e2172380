//! Counts of what a document says: the facts of `pharmatrace inspect`.
//!
//! Definitions: an entry of `epcList`, `childEPCs`, `inputEPCList` or `outputEPCList` counts
//! whatever its text; `parent_ids` counts those that are not empty; `quantity_elements` counts
//! classes with a quantity; GTINs are those of SGTINs in entries and parents, as URN or Digital
//! Link, without judging a check digit that is written out; times are compared in UTC.
//!
//! Memory is bounded: beyond [`DISTINCT_MAX`] different values of one sort the counting stops.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::event::{EpcList, EventHead, EventKind, Sink};

/// Different actions, steps, dispositions or GTINs of one document.
pub const DISTINCT_MAX: usize = 100_000;

/// The document has more different values than are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {DISTINCT_MAX} different {what}")]
pub struct TooManyDistinct {
    /// Of which sort.
    pub what: &'static str,
}

/// The counts of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Events by type, in the order of `EventKind`.
    pub events: BTreeMap<EventKind, u64>,
    /// Entries of the lists of identifiers.
    pub epc_entries: u64,
    /// Parents that are not empty.
    pub parent_ids: u64,
    /// Quantity elements, and quantity events with a class.
    pub quantity_elements: u64,
    /// Events by action.
    pub actions: BTreeMap<String, u64>,
    /// Events by business step, CBV prefix removed.
    pub biz_steps: BTreeMap<String, u64>,
    /// Events by disposition, CBV prefix removed.
    pub dispositions: BTreeMap<String, u64>,
    /// GTIN-14 of the SGTINs in entries and parents.
    pub gtin14_instances: BTreeSet<String>,
    /// Earliest event time.
    pub event_time_min: Option<OffsetDateTime>,
    /// Latest event time.
    pub event_time_max: Option<OffsetDateTime>,
    /// `urn:epc:id:sgtin:<prefix>.<item>.` of the GTIN seen last: serials of one GTIN mostly
    /// stand together.
    last_prefix: String,
}

impl Facts {
    /// Number of events of all types.
    #[must_use]
    pub fn events_total(&self) -> u64 {
        self.events.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Number of events of one type.
    #[must_use]
    pub fn events_of(&self, kind: EventKind) -> u64 {
        self.events.get(&kind).copied().unwrap_or(0)
    }

    fn instance(&mut self, text: &str) -> Result<(), TooManyDistinct> {
        let serial = text.strip_prefix(self.last_prefix.as_str());
        if !self.last_prefix.is_empty() && serial.is_some_and(|serial| !serial.is_empty()) {
            return Ok(());
        }
        let gtin = if let Some(rest) = text.strip_prefix(SGTIN) {
            let Some((gtin, length)) = gtin_of_urn(rest) else {
                return Ok(());
            };
            let prefix = text.get(..SGTIN.len().saturating_add(length)).unwrap_or_default();
            self.last_prefix.clear();
            self.last_prefix.push_str(prefix);
            gtin
        } else {
            let Some(gtin) = gtin_of_link(text) else {
                return Ok(());
            };
            gtin
        };
        if self.gtin14_instances.contains(&gtin) {
            return Ok(());
        }
        if self.gtin14_instances.len() >= DISTINCT_MAX {
            return Err(TooManyDistinct { what: "GTINs" });
        }
        self.gtin14_instances.insert(gtin);
        Ok(())
    }
}

impl Sink for Facts {
    type Error = TooManyDistinct;

    fn epc(&mut self, _list: EpcList, text: &str) -> Result<(), TooManyDistinct> {
        self.epc_entries = self.epc_entries.saturating_add(1);
        self.instance(text)
    }

    fn event(&mut self, head: &EventHead) -> Result<(), TooManyDistinct> {
        let count = self.events.entry(head.kind).or_insert(0);
        *count = count.saturating_add(1);
        self.quantity_elements = self.quantity_elements.saturating_add(head.quantity_elements);
        if let Some(parent) = head.parent_id.as_deref().filter(|parent| !parent.is_empty()) {
            self.parent_ids = self.parent_ids.saturating_add(1);
            self.instance(parent)?;
        }
        count_word(&mut self.actions, head.action.as_deref(), "actions")?;
        count_word(&mut self.biz_steps, head.biz_step.as_deref(), "business steps")?;
        count_word(&mut self.dispositions, head.disposition.as_deref(), "dispositions")?;
        if let Some(time) = head.event_time {
            self.event_time_min = Some(self.event_time_min.map_or(time, |min| min.min(time)));
            self.event_time_max = Some(self.event_time_max.map_or(time, |max| max.max(time)));
        }
        Ok(())
    }
}

fn count_word(
    counts: &mut BTreeMap<String, u64>,
    word: Option<&str>,
    what: &'static str,
) -> Result<(), TooManyDistinct> {
    let Some(word) = word else { return Ok(()) };
    if let Some(count) = counts.get_mut(word) {
        *count = count.saturating_add(1);
    } else if counts.len() >= DISTINCT_MAX {
        return Err(TooManyDistinct { what });
    } else {
        counts.insert(word.to_owned(), 1);
    }
    Ok(())
}

const SGTIN: &str = "urn:epc:id:sgtin:";

/// `company prefix . indicator and item reference . serial`: the indicator goes to the front, the
/// check digit to the end (GS1 Tag Data Standard, SGTIN). With the GTIN comes the length of what
/// stands before the serial.
fn gtin_of_urn(rest: &str) -> Option<(String, usize)> {
    let (company, after) = rest.split_once('.')?;
    let (item, serial) = after.split_once('.')?;
    let (indicator, item) = item.split_at_checked(1)?;
    let mut gtin = [indicator, company, item].concat();
    let is_number = gtin.len() == 13 && gtin.bytes().all(|byte| byte.is_ascii_digit());
    if serial.is_empty() || company.is_empty() || !is_number {
        return None;
    }
    let sum = gtin.bytes().enumerate().fold(0u32, |sum, (at, digit)| {
        let weight = if at % 2 == 0 { 3 } else { 1 };
        sum.wrapping_add(u32::from(digit.wrapping_sub(b'0')).wrapping_mul(weight))
    });
    let check = 10u32.wrapping_sub(sum % 10) % 10;
    gtin.push(char::from_digit(check, 10)?);
    Some((gtin, rest.len().saturating_sub(serial.len())))
}

/// `…/01/<8 to 14 digits>/…/21/<serial>`, or with the words `gtin` and `ser`.
fn gtin_of_link(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    for (at, _) in path.match_indices('/') {
        let after = path.get(at.saturating_add(1)..).unwrap_or_default();
        let key = after.strip_prefix("01/").or_else(|| after.strip_prefix("gtin/"));
        let Some(key) = key else { continue };
        let digits = key.split('/').next().unwrap_or(key);
        let is_gtin =
            (8..=14).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_gtin {
            continue;
        }
        let tail = key.get(digits.len()..).unwrap_or_default();
        let has_serial = tail.contains("/21/") || tail.contains("/ser/");
        return has_serial.then(|| format!("{digits:0>14}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gtins(texts: &[&str]) -> Vec<String> {
        let mut facts = Facts::default();
        for text in texts {
            facts.epc(EpcList::Epcs, text).unwrap();
        }
        facts.gtin14_instances.into_iter().collect()
    }

    #[test]
    fn gtins_are_taken_from_instances_only() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(gtins(&[text]).first().map(String::as_str), expected, "{text}");
        };
        check("urn:epc:id:sgtin:0614141.107346.2017", Some("10614141073464"));
        check("urn:epc:id:sgtin:0614141.107346.a.b", Some("10614141073464"));
        check("urn:epc:id:sgtin:0614141.107346.", None);
        check("urn:epc:id:sgtin:0614141.1073467.1", None);
        check("urn:epc:id:sgtin:0614141.10734x.1", None);
        check("urn:epc:class:lgtin:0614141.107346.1", None);
        check("https://id.gs1.org/01/10614141073464/21/2017", Some("10614141073464"));
        check("https://example.org/a/gtin/614141073464/ser/1?x=1", Some("00614141073464"));
        check("https://id.gs1.org/01/10614141073464/10/LOT", None);
        check("https://id.gs1.org/00/106141412345678908", None);
        check("", None);
    }

    #[test]
    fn serials_with_points_do_not_hide_another_gtin() {
        let found = gtins(&[
            "urn:epc:id:sgtin:0614141.107346.1",
            "urn:epc:id:sgtin:0614141.107346.1.2",
            "urn:epc:id:sgtin:0614141.107347.1",
            "urn:epc:id:sgtin:0614141.107347.2",
        ]);
        assert_eq!(found, ["10614141073464", "10614141073471"]);
    }
}
