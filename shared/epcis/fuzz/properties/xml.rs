//! XML against `roxmltree`: what is read is well-formed, what is well-formed is not called broken, and of
//! an ordinary document every identifier is told, and no other.

use epcis::{Failure, Limits, ReadError, ReadErrorCode};
use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::seen::{Call, seen};

pub fn holds(bytes: &[u8]) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // White space before the declaration is an error of its own, told by both.
    if bytes.first() != Some(&b'<') {
        return;
    }
    let (outcome, calls) = seen(bytes, &Limits::default(), u64::MAX);
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(outcome.is_err(), "read, but it is not UTF-8");
        return;
    };
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(text, options);
    match outcome {
        Ok(summary) => {
            let events = calls.iter().filter(|call| matches!(call, Call::Event(_))).count();
            assert_eq!(u64::try_from(events), Ok(summary.events));
            match tree {
                Ok(tree) => compare(&tree, &calls),
                Err(error) => assert!(is_known(&error, text), "read, but {error}"),
            }
        }
        Err(Failure::Read(error)) => {
            use ReadErrorCode::{NotJson, NotWellFormed, Truncated};
            let broken = [NotJson, NotWellFormed, Truncated].contains(&error.code);
            let stricter = STRICTER.iter().any(|rule| error.message.contains(rule))
                || is_in_declaration(text, &error)
                // It takes an empty prefix for none.
                || text.contains("<:")
                || text.contains("</:");
            let held = !broken || stricter || tree.is_err();
            assert!(held, "well-formed, but {error} at {:?}", error.column);
        }
        Err(Failure::Sink(())) => {}
    }
}

/// Rules of XML 1.0 that `roxmltree` leaves out.
const STRICTER: [&str; 4] = [
    // It knows one only by the space behind its name.
    "the XML declaration is not at the start",
    "the XML version is not 1.0",
    "a processing instruction has no proper name",
    // It reads a reference beyond U+10FFFF as something else.
    "is not a valid codepoint",
];

/// `roxmltree` passes over the XML declaration.
fn is_in_declaration(text: &str, error: &ReadError) -> bool {
    let Some((declaration, _)) = text.split_once("?>") else { return text.starts_with("<?xml") };
    let line = declaration.split('\n').count();
    let column = declaration.rsplit('\n').next().map_or(0, str::len).saturating_add(2);
    let end = (u64::try_from(line).ok(), u64::try_from(column).ok());
    text.starts_with("<?xml") && (error.line, error.column) <= end
}

/// What we let pass on purpose.
fn is_known(error: &Error, text: &str) -> bool {
    // Real files leave bindings out, or bind what may not be bound; names may have any colons and any
    // characters beyond ASCII; nobody reads the inside of a document type declaration.
    matches!(
        error,
        Error::UnknownNamespace(..)
            | Error::InvalidName(_)
            | Error::InvalidXmlPrefixUri(..)
            | Error::UnexpectedXmlUri(..)
            | Error::UnexpectedXmlnsUri(..)
            | Error::InvalidElementNamePrefix(..)
            | Error::DuplicatedNamespace(..)
            | Error::NamespacesLimitReached
    ) || text.contains("<!DOCTYPE")
        || !text.is_ascii()
}

fn compare(tree: &Document, calls: &[Call]) {
    let mut told: Vec<String> = calls.iter().filter_map(identifier).map(without_ends).collect();
    told.sort_unstable();
    let entries = tree.descendants().filter(|node| node.tag_name().name() == "epc");
    let mut written: Vec<String> = entries.map(text_of).collect();
    written.sort_unstable();
    // Both are sorted: each text that was told is found in what was written, in order.
    let mut rest = written.iter();
    for text in &told {
        assert!(rest.any(|one| one == text), "{text} was told and not written");
    }
    if !tree.descendants().all(is_ordinary) {
        return;
    }
    let events = tree.descendants().filter(|node| is_listed_event(*node));
    let entries = events.flat_map(|event| event.descendants()).filter(|node| is_entry(*node));
    let mut wanted: Vec<String> = entries.map(text_of).collect();
    wanted.sort_unstable();
    assert_eq!(told, wanted, "an ordinary document tells its identifiers");
}

fn identifier(call: &Call) -> Option<&str> {
    match call {
        Call::Epc(_, text) => Some(text),
        Call::Class(_) | Call::Event(_) => None,
    }
}

const EVENTS: [&str; 6] = [
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
    "QuantityEvent",
];
const LISTS: [&str; 4] = ["epcList", "childEPCs", "inputEPCList", "outputEPCList"];
const PARENTS: [&str; 6] =
    ["EPCISDocument", "EPCISBody", "EventList", "extension", "baseExtension", "ilmd"];

/// Elements that hold others are those of the standard, without any namespace.
fn is_ordinary(node: Node) -> bool {
    if !node.is_element() {
        return true;
    }
    let name = node.tag_name().name();
    let leaf = !node.children().any(|child| child.is_element());
    let known = EVENTS.contains(&name) || LISTS.contains(&name) || PARENTS.contains(&name);
    node.namespaces().len() == 0
        && node.tag_name().namespace().is_none()
        && (leaf || known)
        && (name != "extension" || node.attributes().len() == 0)
}

fn is_listed_event(node: Node) -> bool {
    let name = |node: Node| EVENTS.contains(&node.tag_name().name());
    let within = node.ancestors().skip(1).any(|above| name(above) && is_listed_event(above));
    let Some(parent) = node.parent_element() else { return name(node) };
    let listed = parent.tag_name().name() == "EventList"
        || (parent.tag_name().name() == "extension"
            && parent.ancestors().any(|above| above.tag_name().name() == "EventList"));
    name(node) && listed && !within
}

fn is_entry(node: Node) -> bool {
    let parent = node.parent_element().map_or("", |parent| parent.tag_name().name());
    node.tag_name().name() == "epc"
        && LISTS.contains(&parent)
        && !node.ancestors().any(|above| above.tag_name().name() == "ilmd")
}

/// The text with all that is inside, without the white space around it.
fn text_of(node: Node) -> String {
    let texts = node.descendants().filter(Node::is_text).filter_map(|text| text.text());
    without_ends(texts.collect::<String>().trim())
}

/// Line ends inside an identifier reach the sink as they are written; another reader makes them alike.
fn without_ends(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}
