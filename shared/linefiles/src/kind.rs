//! What kind of file an export is.

use std::fmt;
use std::str::FromStr;

use crate::{Format, Profile};

/// Columns, syntax and compression; as text the end of the file's name, such as `full.csv.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKind {
    /// Which columns.
    pub profile: Profile,
    /// Which syntax.
    pub format: Format,
    /// Whether it is compressed: gzip, a member for each piece.
    pub gzip: bool,
}

/// A text that names no kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no kind of export")]
pub struct NoKind;

impl FileKind {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        if self.gzip { "application/gzip" } else { self.format.content_type() }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.profile.as_str(), self.format.as_str())?;
        if self.gzip { f.write_str(".gz") } else { Ok(()) }
    }
}

impl FromStr for FileKind {
    type Err = NoKind;

    fn from_str(text: &str) -> Result<Self, NoKind> {
        let (plain, gzip) = text.strip_suffix(".gz").map_or((text, false), |plain| (plain, true));
        let (profile, format) = plain.split_once('.').ok_or(NoKind)?;
        let profile = Profile::parse(profile).ok_or(NoKind)?;
        let format = Format::parse(format).ok_or(NoKind)?;
        Ok(Self { profile, format, gzip })
    }
}
