//! What all pages have around them.

use edge::Scope;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Links, STYLE};
use crate::session::Visitor;

/// A page for somebody who has signed in. `nav` is between the header and the main part.
pub(crate) fn page(title: &str, links: Links, visitor: &Visitor, body: &Markup) -> Markup {
    let header = html! {
        header {
            p { a .brand href=(links.to("")) { "Operations" } }
            (lists(title, links, visitor))
            div .who {
                span { "Signed in as " strong { (visitor.caller.system()) } }
                form method="post" action=(links.to("sign-out")) {
                    input type="hidden" name="form_token" value=(visitor.form_token);
                    button .quiet type="submit" { "Sign out" }
                }
            }
        }
    };
    shell(title, Some(links), &header, body)
}

/// The lists, and which of them is shown; those that the visitor may not see are not offered.
fn lists(title: &str, links: Links, visitor: &Visitor) -> Markup {
    let pools = visitor.caller.has(Scope::PoolsRead);
    let all = [
        ("Pools", "pools", pools),
        ("Spaces", "spaces", pools),
        ("Holds", "holds", true),
        ("Reviews", "reviews", true),
    ];
    html! {
        nav aria-label="Lists" {
            ul {
                @for (name, address, _) in all.into_iter().filter(|(_, _, offered)| *offered) {
                    @let current = (title == name).then_some("page");
                    li { a href=(links.to(address)) aria-current=[current] { (name) } }
                }
            }
        }
    }
}

/// A page for somebody who has not, or who is nowhere.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    shell(title, None, &html! { header { p .brand { "Operations" } } }, body)
}

/// As [`bare`], with our icon.
pub(crate) fn outside(title: &str, links: Links, body: &Markup) -> Markup {
    shell(title, Some(links), &html! { header { p .brand { "Operations" } } }, body)
}

fn shell(title: &str, links: Option<Links>, header: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – pharmatrace" }
                @if let Some(links) = links {
                    link rel="icon" type="image/svg+xml" href=(links.to("icon.svg"));
                }
                // The policy names the hash of exactly this text.
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                (header)
                main #main tabindex="-1" { (body) }
            }
        }
    }
}
