//! The batch document as a page to print: A4, no script, nothing from elsewhere.
//!
//! It follows from the document and its hash alone, so the same document is always the same page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::batch_document::{BatchDocument, BatchFacts, Line, Person};

/// Black on white, in the sizes of paper; rows and blocks are not torn apart.
const STYLE: &str = "\
@page{size:A4;margin:18mm 16mm 20mm 16mm}\
*{box-sizing:border-box}\
body{font:10pt/1.4 'Helvetica Neue',Arial,sans-serif;color:#111;background:#fff;\
max-width:178mm;margin:8mm auto;padding:0 4mm}\
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:11.5pt;margin:7mm 0 2mm;break-after:avoid}\
p{margin:0 0 2mm}\
table{width:100%;border-collapse:collapse;margin:0 0 2mm}\
thead{display:table-header-group}tr{break-inside:avoid}\
caption{text-align:left;color:#444;padding-bottom:1mm}\
th,td{text-align:left;vertical-align:top;padding:1.2mm 2mm;border-bottom:.2mm solid #999}\
thead th{border-bottom:.5mm solid #111}\
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.m{font-family:'DejaVu Sans Mono',Consolas,monospace;font-size:8pt;overflow-wrap:anywhere}\
.sum td,.sum th{border-top:.5mm solid #111;font-weight:bold}\
.result{border:.6mm solid #111;padding:3mm 4mm;margin:3mm 0;break-inside:avoid}\
.result strong{font-size:13pt}\
.sign{break-inside:avoid}.sign td{height:16mm}\
.soft{color:#444}footer{margin-top:6mm;border-top:.2mm solid #999;padding-top:2mm}\
@media print{body{margin:0;padding:0;max-width:none}}";

/// The page of a document whose JSON has this hash.
pub(crate) fn page(document: &BatchDocument, sha256: &str) -> Markup {
    let batch = &document.batch;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Document of Serialization " (batch.allocation_id) ", " (document.revision) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Document of Serialization" }
                p { "Allocation " span .m { (batch.allocation_id) } ", revision " (document.revision) }
                (result(document))
                (facts(batch))
                (quantities(document))
                (balance(document))
                (findings(document))
                (files(document))
                (signatures(document))
                footer {
                    p { "This page shows the record with the SHA-256 " span .m { (sha256) } "." }
                    @if let Some(previous) = &document.previous_sha256 {
                        p { "It follows the revision with the SHA-256 " span .m { (previous) } "." }
                    }
                }
            }
        }
    }
}

fn result(document: &BatchDocument) -> Markup {
    let words = match (document.decision.as_str(), document.status.as_str()) {
        ("close", "pending_review") => "Closed; waits for a review",
        ("close", _) => "Closed; accepted",
        ("accept", _) => "Reviewed; accepted",
        _ => "Reviewed; reopened",
    };
    html! {
        div .result {
            p { strong { (words) } }
            p { (document.at) " by " (document.by) }
            @if let Some(reason) = &document.reason { p { "Reason: " (reason) } }
            @if let Some(Person { at, by, reason }) = &document.closed {
                p {
                    "Closed before: " (at) " by " (by)
                    @if let Some(reason) = reason { "; reason: " (reason) }
                }
            }
            @if document.issues.is_empty() { p { "Nothing is out of order." } } @else {
                table {
                    caption { "Not as it should be" }
                    thead { tr { th { "Code" } th { "What" } th .n { "Count" } } }
                    tbody {
                        @for issue in &document.issues {
                            tr {
                                td { (issue.code) }
                                td { (issue.detail) }
                                td .n { (number(issue.count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn facts(batch: &BatchFacts) -> Markup {
    let rows = [
        ("GTIN", batch.gtin.as_ref()),
        ("Company prefix and extension digit", batch.sscc_prefix.as_ref()),
        ("Packaging level", batch.packaging_level.as_ref()),
        ("Lot", batch.lot.as_ref()),
        ("Expiry", batch.expiry.as_ref()),
        ("Manufactured", batch.manufactured.as_ref()),
        ("Work order", batch.work_order.as_ref()),
        ("Purchase order", batch.po_number.as_ref()),
        ("Line", batch.line_gln.as_ref()),
        ("Plant", batch.plant_gln.as_ref()),
        ("System of the line", Some(&batch.system_id)),
        ("Requested by", Some(&batch.requested_by)),
        ("Pool", Some(&batch.pool_id)),
        ("Reserved", Some(&batch.reserved_at)),
    ];
    html! {
        h2 { "Batch" }
        table {
            tbody {
                @for (name, value) in rows {
                    @if let Some(value) = value { tr { th scope="row" { (name) } td { (value) } } }
                }
            }
        }
    }
}

fn quantities(document: &BatchDocument) -> Markup {
    let found = &document.found;
    html! {
        h2 { "Quantities" }
        @match &document.production {
            None => p { "The line reported no quantities." },
            Some(lines) => (reported(lines)),
        }
        p {
            "Yield: "
            @match found.thousandths {
                None => "nothing was printed",
                Some(share) => {
                    (number(found.commissioned)) " on packs of " (number(found.printed)) " printed, "
                    strong { (percent(share)) }
                },
            }
            "; allowed are " (percent(found.min.into())) " to " (percent(found.max.into())) "."
        }
        p .soft {
            "Printed are all numbers of which anything is known but those returned or deactivated."
        }
    }
}

fn reported(lines: &[Line]) -> Markup {
    let other = lines.iter().any(|line| line.quantity_commissioned.is_none());
    html! {
        table {
            thead {
                tr {
                    th { "Level" } th { "GTIN" }
                    th .n { "Reported" } th .n { "Commissioned" } th .n { "Difference" }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        td { (line.packaging_level) }
                        td .m { (line.packaging_code) }
                        td .n { (number(line.quantity_reported)) }
                        @match line.quantity_commissioned {
                            None => { td .n { "not counted" } td .n { "–" } },
                            Some(counted) => {
                                td .n { (number(counted)) }
                                td .n { (difference(line.quantity_reported, counted)) }
                            },
                        }
                    }
                }
            }
        }
        @if other {
            p .soft { "Of other levels than the allocation's there is no ledger: they are kept as reported." }
        }
    }
}

fn balance(document: &BatchDocument) -> Markup {
    html! {
        h2 { "Where the numbers are" }
        table {
            thead { tr { th { "Place" } th .n { "Numbers" } } }
            tbody {
                @for place in &document.balance {
                    tr { th scope="row" { (place.place) } td .n { (number(place.count)) } }
                }
                tr .sum { th scope="row" { "reserved" } td .n { (number(document.reserved)) } }
            }
        }
        p {
            "Of " (number(document.unused.count)) " numbers nothing is known: "
            @match (document.unused.fate.as_str(), document.status.as_str()) {
                ("keep", _) => "the run goes on.",
                (_, "pending_review") => "they are deactivated when the batch is accepted.",
                _ => "they are deactivated.",
            }
        }
    }
}

fn findings(document: &BatchDocument) -> Markup {
    html! {
        h2 { "Findings of files: " (number(document.findings_total)) }
        @if document.findings.is_empty() { p { "None." } } @else {
            table {
                thead {
                    tr { th { "Code" } th { "Severity" } th .n { "Count" } th { "Status" } th { "File" } }
                }
                tbody {
                    @for finding in &document.findings {
                        tr {
                            td { (finding.code) }
                            td { (finding.severity) }
                            td .n { (number(finding.count)) }
                            td { (finding.status) }
                            td .m { (finding.document) }
                        }
                    }
                }
            }
        }
        (cut(document.findings.len(), document.findings_total))
    }
}

fn files(document: &BatchDocument) -> Markup {
    html! {
        h2 { "Files that were read: " (number(document.files_total)) }
        @if document.files.is_empty() { p { "None." } } @else {
            table {
                thead { tr { th { "SHA-256" } th .n { "Used" } th .n { "On packs" } } }
                tbody {
                    @for file in &document.files {
                        tr {
                            td .m { (file.sha256) }
                            td .n { (file.used) }
                            td .n { (file.commissioned) }
                        }
                    }
                }
            }
        }
        (cut(document.files.len(), document.files_total))
    }
}

fn cut(shown: usize, total: usize) -> Markup {
    html! { @if shown < total { p .soft { "The first " (number(shown)) " are shown." } } }
}

fn signatures(document: &BatchDocument) -> Markup {
    let closer = document.closed.as_ref().map_or(&document.by, |person| &person.by);
    let reviewer = document.closed.as_ref().map_or("", |_| document.by.as_str());
    html! {
        h2 { "Signatures" }
        table .sign {
            thead { tr { th { "Role" } th { "Credential" } th { "Name" } th { "Date" } th { "Signature" } } }
            tbody {
                tr { td { "Closed by" } td .m { (closer) } td {} td {} td {} }
                tr { td { "Reviewed by" } td .m { (reviewer) } td {} td {} td {} }
            }
        }
    }
}

/// A number with its digits in groups of three, parted by narrow spaces that do not break.
fn number(value: impl std::fmt::Display) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len().saturating_mul(2));
    let mut left = digits.len();
    for digit in digits.chars() {
        out.push(digit);
        left = left.saturating_sub(1);
        if left > 0 && left.is_multiple_of(3) {
            out.push('\u{202f}');
        }
    }
    out
}

fn difference(reported: u64, counted: u64) -> String {
    let size = number(reported.abs_diff(counted));
    match reported.cmp(&counted) {
        std::cmp::Ordering::Less => format!("−{size}"),
        std::cmp::Ordering::Equal => size,
        std::cmp::Ordering::Greater => format!("+{size}"),
    }
}

/// Thousandths as per cent with one decimal.
fn percent(thousandths: u64) -> String {
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}
