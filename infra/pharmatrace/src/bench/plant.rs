//! A plant made for one measurement: a system with lines, a credential, and pools of numbers that are on no
//! pack.
//!
//! All of it stays in the hub that was measured, except that the credential is revoked in the end. GTINs
//! and GLNs begin with 952, the prefix that GS1 keeps for examples, so that they can meet no product.

use domain::epc::sgtin_urn_stem;
use domain::gtin::Gtin14;
use serde_json::{Value, json};
use store::time::rfc3339_ms;
use time::Duration;

use crate::api::{Answer, Api};
use crate::error::CommandError;
use crate::hub::{HUB_VARIABLE, Hub, HubArguments};
use crate::local::{LocalCloud, Options};
use crate::wiring::{env, now, print_line, random_text};
use crate::{credential, system};

/// GS1's prefix for examples.
const EXAMPLES: &str = "952";
/// Digits of the company prefix of what is made here.
const PREFIX_DIGITS: u8 = 7;
/// Characters of a serial number of what is made here.
pub(super) const WIDTH: u8 = 12;
const SCOPES: [&str; 8] = [
    "pools:read",
    "pools:write",
    "allocations:read",
    "allocations:write",
    "uploads:write",
    "documents:read",
    "telemetry:write",
    "reports:read",
];

/// A hub, and what was made in it to measure it.
pub(super) struct Plant {
    pub(super) hub: Hub,
    pub(super) api: Api,
    pub(super) lines: Vec<Line>,
    credential_id: String,
    /// The local cloud that was started for this; `None` where a hub was named.
    cloud: Option<LocalCloud>,
}

/// A packaging line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) gln: String,
    /// The same as events name it.
    pub(super) sgln: String,
}

/// A pool, and how its numbers are written in events.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) gtin: String,
    /// What precedes the serial number in a URN.
    pub(super) stem: String,
}

impl Plant {
    /// Builds it in the hub that is named, or in a local cloud of its own. What is not on this machine is
    /// written to only if `write_into` says its name.
    ///
    /// # Errors
    /// If there is no hub, or it refuses what the plant needs.
    pub(super) async fn build(
        target: &HubArguments,
        write_into: Option<&str>,
        document_seconds: u32,
    ) -> Result<Self, CommandError> {
        let is_named =
            target.hub.is_some() || target.stack.is_some() || env(HUB_VARIABLE).is_some();
        if is_named {
            let hub = Hub::find(target).await?;
            if hub.aws.is_none() && write_into != Some(&*hub.stack) {
                return Err(CommandError::Usage(format!(
                    "this leaves pools, allocations and documents in the stack {0}: say --write-into {0}",
                    hub.stack
                )));
            }
            return Box::pin(Self::within(hub, None)).await;
        }
        let options = Options { document_seconds, ..Options::default() };
        let cloud = Box::pin(LocalCloud::start(&options)).await?;
        Box::pin(Self::within(cloud.hub.clone(), Some(cloud))).await
    }

    /// Builds it in a hub that others look after.
    ///
    /// # Errors
    /// If the hub refuses what the plant needs.
    pub(super) async fn within(hub: Hub, cloud: Option<LocalCloud>) -> Result<Self, CommandError> {
        match Self::furnish(&hub).await {
            Ok((api, lines, credential_id)) => Ok(Self { hub, api, lines, credential_id, cloud }),
            Err(error) => {
                if let Some(cloud) = cloud {
                    cloud.stop().await;
                }
                Err(error)
            }
        }
    }

    async fn furnish(hub: &Hub) -> Result<(Api, Vec<Line>, String), CommandError> {
        let store = hub.store().await?;
        let id = format!("bench-{}", random_text(10)?);
        let lines = lines(16)?;
        let glns: Vec<String> = lines.iter().map(|line| line.gln.clone()).collect();
        let kind = "generic".to_owned();
        let wanted = system::Request { id: id.clone(), kind, line_glns: glns };
        system::create(&store, &wanted, now()).await?;
        let request = credential::Request {
            system: id,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            line_glns: Vec::new(),
            // For when a measurement is killed before its end.
            expires: Some(rfc3339_ms(now().saturating_add(Duration::days(1)))),
        };
        let issued = credential::create(&store, &request, now()).await?;
        Ok((Api::connect(&hub.api_url, Some(&issued.token))?, lines, issued.id))
    }

    /// A pool of a new GTIN, from 0 on.
    ///
    /// # Errors
    /// If the hub refuses it.
    pub(super) async fn pool(&self, numbers: u64, max_request: u64) -> Result<Pool, CommandError> {
        let gtin = gtin()?;
        let draft = json!({
            "name": "measurement", "encoding": "SGTIN", "gtin": gtin.as_str(),
            "company_prefix_length": PREFIX_DIGITS, "scheme": "sequential", "width": WIDTH,
            "from": "0", "to": numbers.saturating_sub(1).to_string(), "max_request": max_request,
        });
        let made = self.api.post("/api/v1/l3/pools", &draft).await?;
        expect(&made, 201, "the pool")?;
        let stem = sgtin_urn_stem(&gtin, PREFIX_DIGITS).unwrap_or_default();
        Ok(Pool { gtin: gtin.as_str().to_owned(), stem })
    }

    /// One of its lines.
    ///
    /// # Errors
    /// Never: a plant has lines.
    pub(super) fn line(&self) -> Result<&Line, CommandError> {
        self.lines.first().ok_or_else(|| CommandError::Failed("the plant has no line".to_owned()))
    }

    /// Whether the hub was started for this and goes with it.
    pub(super) fn is_our_own(&self) -> bool {
        self.cloud.is_some()
    }

    /// Measures in it and leaves it, however that ends.
    ///
    /// # Errors
    /// Those of the measurement, and if the credential cannot be revoked.
    pub(super) async fn used<T>(
        self,
        measure: impl AsyncFnOnce(&Self) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let found = measure(&self).await;
        let left = self.leave().await;
        let found = found?;
        left.map(|()| found)
    }

    /// Ends the credential, and the local cloud if it is ours.
    ///
    /// # Errors
    /// If the credential cannot be revoked.
    async fn leave(self) -> Result<(), CommandError> {
        let revoked = match self.hub.store().await {
            Ok(store) => {
                let why = Some("the measurement ended");
                credential::revoke(&store, &self.credential_id, why, now()).await
            }
            Err(error) => Err(error),
        };
        if let Some(cloud) = self.cloud {
            cloud.stop().await;
        }
        revoked
    }
}

/// Prints what was found, as one JSON line or as a table.
///
/// # Errors
/// If nobody reads it.
pub(super) fn tell(json: bool, object: &Value, lines: &[String]) -> Result<(), CommandError> {
    if json {
        return print_line(&object.to_string());
    }
    lines.iter().try_for_each(|line| print_line(line))
}

/// An answer of another status than the one that was wanted ends the measurement.
pub(super) fn expect(answer: &Answer, status: u16, what: &str) -> Result<(), CommandError> {
    if answer.status == status {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.body);
    Err(CommandError::Failed(format!("{what}: the hub answered {} {body}", answer.status)))
}

/// A text in an answer; empty if there is none.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A number in an answer; 0 if there is none.
pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn gtin() -> Result<Gtin14, CommandError> {
    let body = format!("0{EXAMPLES}{:09}", random_below(1_000_000_000)?);
    Gtin14::from_body(body.as_bytes()).map_err(|error| CommandError::Failed(error.to_string()))
}

/// Lines of one plant: they differ in the location reference.
fn lines(number: u64) -> Result<Vec<Line>, CommandError> {
    let (company, first) = (random_below(10_000)?, random_below(90_000)?);
    (first..first.saturating_add(number)).map(|reference| line(company, reference)).collect()
}

fn line(company: u64, reference: u64) -> Result<Line, CommandError> {
    // A GLN is 13 digits with the same check digit as the GTIN-14 that a zero before it makes.
    let body = format!("0{EXAMPLES}{company:04}{reference:05}");
    let padded = Gtin14::from_body(body.as_bytes());
    let padded = padded.map_err(|error| CommandError::Failed(error.to_string()))?;
    let gln = padded.as_str().get(1..).unwrap_or_default().to_owned();
    let sgln = format!("urn:epc:id:sgln:{EXAMPLES}{company:04}.{reference:05}.0");
    Ok(Line { gln, sgln })
}

fn random_below(bound: u64) -> Result<u64, CommandError> {
    let number = getrandom::u64().map_err(|error| CommandError::Entropy(error.to_string()))?;
    Ok(number.checked_rem(bound).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use domain::gln::Gln;

    use super::*;

    #[test]
    fn numbers_of_a_plant_are_valid_examples() {
        for _ in 0..100 {
            let gtin = gtin().unwrap();
            assert!(gtin.as_str().starts_with("0952"), "{gtin:?}");
            let stem = sgtin_urn_stem(&gtin, PREFIX_DIGITS).unwrap();
            assert!(stem.starts_with("urn:epc:id:sgtin:952") && stem.ends_with('.'), "{stem}");
        }
        for line in lines(16).unwrap() {
            assert_eq!(Gln::parse(&line.gln), Ok(Gln::from_location(&line.sgln).unwrap()));
        }
    }
}
