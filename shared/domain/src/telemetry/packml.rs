//! The words of PackML (ISA-TR88.00.02): states and modes of a machine.

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($(#[$word_doc:meta])* $name:ident = $code:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind { $($(#[$word_doc])* $name,)* }

        impl $kind {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in heartbeats and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The number that PackML gives it.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// Reads the word, which is written in capitals.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }

            /// Reads the number.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

words! {
    /// What a machine does.
    State {
        /// Faults are cleared after an abort.
        Clearing = 1, "CLEARING";
        /// At rest, powered, waiting for a reset.
        Stopped = 2, "STOPPED";
        /// Getting ready to run.
        Starting = 3, "STARTING";
        /// Ready, waiting for a start.
        Idle = 4, "IDLE";
        /// Waiting for material or a following machine.
        Suspended = 5, "SUSPENDED";
        /// Running.
        Execute = 6, "EXECUTE";
        /// Coming to rest.
        Stopping = 7, "STOPPING";
        /// Coming to rest at once.
        Aborting = 8, "ABORTING";
        /// At rest after a fault.
        Aborted = 9, "ABORTED";
        /// Pausing for an inner cause.
        Holding = 10, "HOLDING";
        /// Paused for an inner cause.
        Held = 11, "HELD";
        /// Going on after a pause.
        Unholding = 12, "UNHOLDING";
        /// Pausing for an outer cause.
        Suspending = 13, "SUSPENDING";
        /// Going on after an outer cause.
        Unsuspending = 14, "UNSUSPENDING";
        /// Going to idle.
        Resetting = 15, "RESETTING";
        /// Finishing the order.
        Completing = 16, "COMPLETING";
        /// The order is finished.
        Complete = 17, "COMPLETE";
    }
}

words! {
    /// What a machine is used for.
    Mode {
        /// Making packs.
        Production = 1, "PRODUCTION";
        /// Being looked after.
        Maintenance = 2, "MAINTENANCE";
        /// Moved by hand.
        Manual = 3, "MANUAL";
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, State};

    #[test]
    fn words_and_numbers_come_back_and_others_are_refused() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
            assert_eq!(State::from_code(state.code()), Some(*state));
        }
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(*mode));
            assert_eq!(Mode::from_code(mode.code()), Some(*mode));
        }
        assert_eq!((State::ALL.len(), Mode::ALL.len()), (17, 3));
        for word in ["", "execute", "RUNNING", " EXECUTE", "PRODUCTION"] {
            assert_eq!(State::parse(word), None, "{word}");
        }
        assert_eq!(
            (Mode::parse("AUTO"), State::from_code(0), Mode::from_code(4)),
            (None, None, None)
        );
    }
}
