//! What may happen to a hub. A new operation is an arm here, one in [`crate::draws`], one in
//! [`crate::doing`] and a function of [`crate::reference`].

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A pool is asked for.
    CreatePool(PoolWish),
    /// A pool is changed.
    ChangePool { pool: String, change: PoolChange },
    /// Numbers are asked for: for the first time, again, or with another body.
    Reserve { asker: &'static str, id: u64, wish: Wish, how: How },
    /// Numbers are asked for by a process that dies, and nobody asks again.
    Abandon { asker: &'static str, id: u64, wish: Wish, death: Death },
    /// An allocation is turned.
    Turn { allocation: String, verb: Verb, how: How },
    /// A run ends, and the line says how many packs it made.
    End { allocation: String, reported: u64, how: How },
    /// Somebody, or whoever ended it, has a look at an end that waits.
    Review { allocation: String, accept: bool, by: &'static str, how: How },
    /// Unused numbers are given up.
    GiveBack { asked: GiveBack, how: How },
    /// A file is put under a system's prefix.
    Send { sender: &'static str, file: File, how: How },
    /// A file is put and its notice is lost: the sweep finds it.
    Lose { sender: &'static str, file: File },
    /// A notice is delivered once more.
    Redeliver { notice: usize, how: How },
    /// The bytes of an earlier file are put once more, under another name.
    Copy { sender: &'static str, notice: usize, how: How },
    /// Time passes; then the sweep runs, and what it sends is delivered.
    Wait { minutes: u64 },
    /// The process that serves requests is replaced by one that has read nothing.
    Restart,
}

impl Op {
    /// What is counted as one kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreatePool(wish) if wish.space.is_some() => "create space",
            Self::CreatePool(_) => "create pool",
            Self::ChangePool { .. } => "change pool",
            Self::Reserve { .. } => "reserve",
            Self::Abandon { .. } => "crash",
            Self::Turn { verb: Verb::Confirm, .. } => "confirm",
            Self::Turn { verb: Verb::Void, .. } => "void",
            Self::Turn { verb: Verb::Close, .. } => "close",
            Self::Turn { verb: Verb::Export, .. } => "export",
            Self::End { .. } => "end of batch",
            Self::Review { .. } => "review",
            Self::GiveBack { .. } => "give back",
            Self::Send { .. } => "file",
            Self::Lose { .. } => "lost notice",
            Self::Redeliver { .. } => "redeliver",
            Self::Copy { .. } => "copy",
            Self::Wait { .. } => "sweep",
            Self::Restart => "restart",
        }
    }
}

/// How something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Once.
    Once,
    /// By two processes at the same time.
    Twice,
    /// By a process that dies on the way, then by another one.
    Dies(Death),
}

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// At which of its calls, from 1.
    pub call: usize,
    /// The call is served, only its answer is lost; else it never leaves.
    pub served: bool,
}

/// A pool as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolWish {
    pub gtin: &'static str,
    /// One of [`crate::spaces::FORMS`]; none for numbers one after the other.
    pub space: Option<usize>,
    /// It asks for the European rules.
    pub eu: bool,
    /// It offers returned numbers again.
    pub reoffer: bool,
    pub from: u64,
    pub to: u64,
    pub max_request: u64,
}

/// A change of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolChange {
    Suspend,
    Resume,
    /// To a new last number.
    Extend(u64),
    MaxRequest(u64),
    /// Whether it offers returned numbers again.
    Reoffer(bool),
}

/// The body of a request for numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub gtin: &'static str,
    pub quantity: u64,
    pub pool: Option<String>,
    pub lot: Option<&'static str>,
    pub mode: Mode,
    pub partial: bool,
    pub hold_minutes: Option<u64>,
}

/// How numbers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Range,
    List,
    Random,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::List => "list",
            Self::Random => "random",
        }
    }

    /// Whether numbers of such a pool are told so.
    pub fn fits(self, is_random: bool) -> bool {
        self == Self::List || (self == Self::Random) == is_random
    }
}

/// Numbers that are given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    pub allocation: String,
    /// The caller's name for it.
    pub key: u64,
    /// `Return`, `Deactivate` or `Destroy`.
    pub fate: Kind,
    /// First and last, counted from the allocation's first; all that are unused without it.
    pub run: Option<(u64, u64)>,
}

/// What is asked of an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Confirm,
    Void,
    Close,
    Export,
}

/// A file: its events, or none because it is cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// No two files are alike.
    pub number: u64,
    pub events: Vec<Event>,
    /// It ends in the middle.
    pub broken: bool,
}

/// An event of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: Kind,
    pub gtin: &'static str,
    /// The space of its numbers.
    pub space: Option<usize>,
    /// Runs of numbers, ends included.
    pub runs: Vec<(u64, u64)>,
    /// Seconds since 1970.
    pub time: i64,
    pub lot: Option<&'static str>,
    pub expiry: Option<&'static str>,
    /// It declares an earlier event wrong.
    pub error: bool,
}

/// What an event says of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Commission,
    Encode,
    /// A label is thrown away.
    Scrap,
    Sample,
    Decommission,
    Destroy,
    /// A number goes back unused.
    Return,
    /// A number is never to be used.
    Deactivate,
    /// Nothing about the ledger.
    Ship,
}

impl PoolWish {
    /// A pool of numbers one after the other.
    pub fn plain(gtin: &'static str, (from, to): (u64, u64), max_request: u64) -> Self {
        Self { gtin, space: None, eu: false, reoffer: false, from, to, max_request }
    }
}

impl Wish {
    /// A range of exactly so many numbers, for good.
    pub fn plain(gtin: &'static str, quantity: u64) -> Self {
        let (lot, mode) = (Some("LOT42"), Mode::Range);
        Self { gtin, quantity, pool: None, lot, mode, partial: false, hold_minutes: None }
    }
}

impl Kind {
    /// Action and business step.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Commission => ("ADD", "commissioning"),
            Self::Encode => ("OBSERVE", "encoding"),
            Self::Scrap => ("DELETE", "encoding"),
            Self::Sample => ("OBSERVE", "sampling"),
            Self::Decommission => ("DELETE", "decommissioning"),
            Self::Destroy => ("DELETE", "destroying"),
            Self::Return => ("DELETE", "reserving"),
            Self::Deactivate => ("OBSERVE", "SNInvalidatingEvent"),
            Self::Ship => ("OBSERVE", "shipping"),
        }
    }
}
