//! How a pool is looked after, in bodies and answers.

use domain::policy::{AutoExtend, PoolPolicy, Reoffer, THRESHOLD_HOURS_LIMIT};
use domain::pool::{PoolRuleError, Scheme};
use edge::Problem;
use edge::openapi::Index;
use serde::{Deserialize, Serialize};
use store::pool::{PolicyChange, PoolError};
use utoipa::ToSchema;

use crate::failure::pool_problem;
use crate::request::{index, malformed};

/// The hub extends the pool by itself when it is low or exhausted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PoolExtension)]
pub(crate) struct ExtendBody {
    /// By so many numbers at a time; 0 for never.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    by: u64,
    /// Never beyond this number. The pool claims all numbers up to it.
    #[schema(value_type = Option<Index>)]
    ceiling: Option<String>,
}

/// How the hub extends a pool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolExtensionSet)]
pub(crate) struct ExtendView {
    by: u64,
    #[schema(value_type = Index)]
    ceiling: String,
}

impl ExtendView {
    pub(crate) fn of(policy: &PoolPolicy) -> Option<Self> {
        let AutoExtend { by, ceiling } = policy.auto_extend?;
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        Some(Self { by, ceiling: ceiling.to_string() })
    }
}

/// The fields that bodies of creation and change have in common.
pub(crate) struct PolicyFields {
    pub(crate) threshold_hours: Option<u32>,
    pub(crate) auto_extend: Option<ExtendBody>,
    pub(crate) reservation_events: Option<bool>,
    pub(crate) reoffer: Option<String>,
}

impl PolicyFields {
    /// What is to be changed; 0 takes a value away.
    pub(crate) fn into_change(self) -> Result<PolicyChange, Problem> {
        if self.threshold_hours.is_some_and(|hours| hours > THRESHOLD_HOURS_LIMIT) {
            return Err(rule("threshold_hours", format!("at most {THRESHOLD_HOURS_LIMIT}")));
        }
        let extend = self.auto_extend.map(|body| match (body.by, body.ceiling) {
            (0, None) => Ok(None),
            // What says nothing is read all the same.
            (0, Some(ceiling)) => index("/auto_extend/ceiling", &ceiling).map(|_| None),
            (_, None) => Err(rule("auto_extend/ceiling", "a pool has a ceiling".to_owned())),
            (by, Some(ceiling)) => {
                let ceiling = index("/auto_extend/ceiling", &ceiling)?;
                Ok(Some(AutoExtend { by: u128::from(by), ceiling }))
            }
        });
        let reoffer = self.reoffer.map(|word| {
            let words = "never, returned, void or returned_and_void";
            Reoffer::parse(&word).ok_or_else(|| malformed("/reoffer", words))
        });
        Ok(PolicyChange {
            threshold_hours: self.threshold_hours.map(|hours| Some(hours).filter(|h| *h > 0)),
            auto_extend: extend.transpose()?,
            reservation_events: self.reservation_events,
            reoffer: reoffer.transpose()?,
        })
    }

    /// What a new pool begins with. Imported numbers cost whoever made them: those that nobody had are offered again.
    pub(crate) fn into_policy(self, scheme: Scheme) -> Result<PoolPolicy, Problem> {
        let change = self.into_change()?;
        let usual = match scheme {
            Scheme::List { .. } => Reoffer::Void,
            Scheme::Sequential { .. } | Scheme::Randomised { .. } => Reoffer::Never,
        };
        Ok(PoolPolicy {
            threshold_hours: change.threshold_hours.flatten(),
            auto_extend: change.auto_extend.flatten(),
            reservation_events: change.reservation_events.unwrap_or(false),
            reoffer: change.reoffer.unwrap_or(usual),
        })
    }
}

fn rule(field: &'static str, detail: String) -> Problem {
    pool_problem(PoolError::Rule(PoolRuleError { field, detail }))
}
