//! Accounts of the router itself.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Shape, shown, text};

const USER: &[Field] = &[
    text("name"),
    // Kept to check logins; never printed, not even with the sensitive policy.
    Field::new("password", Kind::Secret),
    Field::new("group", Kind::Ref("/user/group", &[])),
    text("address").default(""),
    shown("last-logged-in", ""),
    DISABLED,
    COMMENT,
];

const GROUP: &[Field] =
    &[text("name"), Field::new("policy", Kind::Policies).default(""), text("skin").default("default"), COMMENT];

pub(super) const MENUS: &[Menu] = &[
    Menu::named("/user", USER).mandatory(&["name", "group"]),
    Menu::named("/user/group", GROUP),
    Menu::new("/user/active", Shape::Listing, &[]),
];
