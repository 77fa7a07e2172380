//! How the numbers of a new pool look: the scheme and what it needs, from a body's fields.

use domain::ids::PoolId;
use domain::list::{FIRST, ListId};
use domain::object_key::ObjectKey;
use domain::pool::{INDEX_LIMIT, PoolRuleError, Scheme};
use domain::space::{
    Alphabet, AlphabetError, Characters, SpaceError, SpaceForm, SpaceId, density_limit,
};
use domain::sscc::SsccPrefix;
use edge::Problem;
use serde::Deserialize;
use store::pool::PoolError;
use utoipa::ToSchema;

use crate::failure::pool_problem;
use crate::openapi::CharactersWord;
use crate::request::{index, malformed};

/// How many numbers a randomised pool has whose last number is left out, if the rules leave so many.
const SLICE: u128 = 1_000_000;

/// The characters of the random part: named sets, or a text that has each of them once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "named sets ({\"sets\": [\"digits\", \"upper\"]}) or a text of letters and digits"
)]
#[schema(as = Alphabet)]
pub(crate) enum AlphabetBody {
    /// Letters and digits.
    Text(AlphabetText),
    /// Sets together.
    Sets(AlphabetSets),
}

/// Letters and digits in any order, each once.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(min_length = 2, max_length = 62, pattern = "^[0-9A-Za-z]+$")]
pub(crate) struct AlphabetText(String);

/// Named sets of characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlphabetSets {
    /// Which sets.
    #[schema(value_type = Vec<CharactersWord>, min_items = 1, max_items = 3)]
    sets: Vec<String>,
    /// Whether `I J L O Q U` and their lower-case ones are there too; false when left out.
    look_alikes: Option<bool>,
}

impl AlphabetBody {
    fn into_alphabet(self) -> Result<Alphabet, Problem> {
        let alphabet = match self {
            Self::Text(AlphabetText(text)) => Alphabet::custom(&text),
            Self::Sets(AlphabetSets { sets, look_alikes }) => {
                let set = |(place, word): (usize, &String)| match word.as_str() {
                    "digits" => Ok(Characters::Digits),
                    "upper" => Ok(Characters::Upper),
                    "lower" => Ok(Characters::Lower),
                    _ => {
                        let pointer = format!("/alphabet/sets/{place}");
                        Err(malformed(&pointer, "digits, upper or lower"))
                    }
                };
                let sets: Result<Vec<Characters>, Problem> =
                    sets.iter().enumerate().map(set).collect();
                Alphabet::of(&sets?, look_alikes.unwrap_or(false))
            }
        };
        alphabet.map_err(|error: AlphabetError| rule("alphabet", error.to_string()))
    }
}

/// The fields of a body that say how numbers look.
pub(crate) struct SchemeFields {
    pub(crate) scheme: Option<String>,
    pub(crate) width: Option<u8>,
    pub(crate) alphabet: Option<AlphabetBody>,
    pub(crate) length: Option<u8>,
    pub(crate) prefix: Option<String>,
}

impl SchemeFields {
    pub(crate) fn into_scheme(self, (of, id): (ObjectKey, &PoolId)) -> Result<Scheme, Problem> {
        let gtin = match of {
            ObjectKey::Gtin(gtin) => gtin,
            ObjectKey::Sscc(prefix) => return self.into_sscc_scheme(&prefix),
        };
        match self.scheme.as_deref().unwrap_or("sequential") {
            "sequential" => {
                let strangers = [
                    ("/alphabet", self.alphabet.is_some()),
                    ("/length", self.length.is_some()),
                    ("/prefix", self.prefix.is_some()),
                ];
                if let Some((pointer, _)) = strangers.into_iter().find(|(_, is_there)| *is_there) {
                    return Err(malformed(pointer, "belongs to randomised numbers"));
                }
                let width = self.width.ok_or_else(|| malformed("/width", "is missing"))?;
                Ok(Scheme::Sequential { width })
            }
            "randomised" => {
                if self.width.is_some() {
                    return Err(malformed("/width", "belongs to sequential numbers"));
                }
                let length = self.length.ok_or_else(|| malformed("/length", "is missing"))?;
                let usual = || Alphabet::of(&[Characters::Digits, Characters::Upper], false);
                let usual = || usual().map_err(|error| rule("alphabet", error.to_string()));
                let alphabet = self.alphabet.map_or_else(usual, AlphabetBody::into_alphabet)?;
                let prefix = self.prefix.unwrap_or_default();
                let form = SpaceForm::new(&prefix, alphabet, length).map_err(|error| {
                    let field = match error {
                        SpaceError::Prefix(_) => "prefix",
                        SpaceError::Length(_)
                        | SpaceError::TooLong { .. }
                        | SpaceError::TooFew { .. } => "length",
                    };
                    rule(field, error.to_string())
                })?;
                Ok(Scheme::Randomised { space: SpaceId::of(&gtin, &form), form })
            }
            "list" => {
                let strangers = [
                    ("/width", self.width.is_some()),
                    ("/alphabet", self.alphabet.is_some()),
                    ("/length", self.length.is_some()),
                    ("/prefix", self.prefix.is_some()),
                ];
                match strangers.into_iter().find(|(_, is_there)| *is_there) {
                    Some((pointer, _)) => {
                        Err(malformed(pointer, "imported numbers say it themselves"))
                    }
                    None => Ok(Scheme::List { list: ListId::of(id) }),
                }
            }
            _ => Err(malformed("/scheme", "sequential, randomised or list")),
        }
    }
}

impl SchemeFields {
    /// Serial references follow each other, and the company prefix says how long they are.
    fn into_sscc_scheme(self, prefix: &SsccPrefix) -> Result<Scheme, Problem> {
        if self.scheme.as_deref().is_some_and(|scheme| scheme != "sequential") {
            return Err(rule("scheme", "SSCCs are numbered one after the other".to_owned()));
        }
        let strangers = [
            ("/width", self.width.is_some()),
            ("/alphabet", self.alphabet.is_some()),
            ("/length", self.length.is_some()),
            ("/prefix", self.prefix.is_some()),
        ];
        if let Some((pointer, _)) = strangers.into_iter().find(|(_, is_there)| *is_there) {
            return Err(malformed(pointer, "belongs to the encoding SGTIN"));
        }
        Ok(Scheme::Sequential { width: prefix.reference_digits() })
    }
}

/// The first and the last number. Those of a randomised pool may be left out: it begins at 0 and has a million
/// numbers, or as many as the European rules or the space leave. The same body means the same numbers
/// always, so a repeated creation meets the boundaries of the first.
pub(crate) fn bounds(
    (scheme, eu_rules): (Scheme, bool),
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(u128, u128), Problem> {
    let from = from.map(|text| index("/from", text)).transpose()?;
    let to = to.map(|text| index("/to", text)).transpose()?;
    match scheme {
        Scheme::Sequential { .. } => {
            let missing = |pointer| malformed(pointer, "is missing");
            let from = from.ok_or_else(|| missing("/from"))?;
            Ok((from, to.ok_or_else(|| missing("/to"))?))
        }
        Scheme::Randomised { form, .. } => {
            let capacity = form.capacity();
            let most = if eu_rules { density_limit(capacity) } else { capacity };
            let from = from.unwrap_or(0);
            let last = from.saturating_add(SLICE.min(most)).min(capacity).min(INDEX_LIMIT);
            Ok((from, to.unwrap_or(last.saturating_sub(1))))
        }
        Scheme::List { .. } => match (from, to) {
            (None, None) => Ok((FIRST, 0)),
            (Some(_), _) => Err(malformed("/from", "the numbers of a list are those imported")),
            (_, Some(_)) => Err(malformed("/to", "the numbers of a list are those imported")),
        },
    }
}

fn rule(field: &'static str, detail: String) -> Problem {
    pool_problem(PoolError::Rule(PoolRuleError { field, detail }))
}
