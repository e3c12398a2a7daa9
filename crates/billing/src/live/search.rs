//! What was typed into the search field of the list, and the rows that fit it.

use domain::{MacAddr, Msisdn};
use sqlx::{MySql, QueryBuilder};

/// Longest text that is searched for.
const QUERY_CHARS: usize = 40;

/// What was typed into the search field.
pub(super) enum Search {
    Everything,
    Mac(MacAddr),
    Phone(Msisdn),
    Part {
        /// Pattern for names, which begin with it.
        name: String,
        /// Pattern for the digits of a MAC, where it could be a part of one.
        mac: Option<String>,
        /// Pattern for the digits of a phone number, where it could be a part of one.
        phone: Option<String>,
    },
}

impl Search {
    pub(super) fn of(query: Option<&str>) -> Self {
        let Some(text) = query.map(str::trim).filter(|text| !text.is_empty()) else { return Self::Everything };
        if let Ok(mac) = text.parse() {
            return Self::Mac(mac);
        }
        if let Ok(phone) = text.parse() {
            return Self::Phone(phone);
        }
        let text: String = text.chars().take(QUERY_CHARS).collect();
        let plain: String = text.chars().filter(|c| !matches!(c, ':' | '-' | ' ' | '+')).collect();
        let is_long = plain.len() >= 4;
        let is_hex = is_long && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = is_long && plain.bytes().all(|byte| byte.is_ascii_digit());
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        Self::Part {
            name: format!("{escaped}%"),
            mac: is_hex.then(|| format!("%{plain}%")),
            // As people write it: the leading 0 stands for the country.
            phone: is_number.then(|| format!("%{}%", plain.trim_start_matches('0'))),
        }
    }

    pub(super) fn push_paid(&self, query: &mut QueryBuilder<'_, MySql>) {
        match self {
            Self::Everything => {}
            Self::Mac(mac) => {
                query.push(" and d.mac = ").push_bind(mac.bytes().to_vec());
            }
            Self::Phone(phone) => {
                query
                    .push(" and s.user_id = (select id from users where msisdn = ")
                    .push_bind(phone.international())
                    .push(")");
            }
            Self::Part { name, mac, phone } => {
                query.push(" and (s.package_name like ").push_bind(name.clone());
                query.push(" or r.name like ").push_bind(name.clone());
                if let Some(mac) = mac {
                    query.push(" or hex(d.mac) like ").push_bind(mac.clone());
                }
                if let Some(phone) = phone {
                    query.push(" or u.msisdn like ").push_bind(phone.clone());
                }
                query.push(")");
            }
        }
    }

    pub(super) fn push_stranger(&self, query: &mut QueryBuilder<'_, MySql>) {
        match self {
            Self::Everything => {}
            Self::Mac(mac) => {
                query.push(" and g.mac = ").push_bind(mac.bytes().to_vec());
            }
            // Nobody knows whose phone it is.
            Self::Phone(_) => {
                query.push(" and 1 = 0");
            }
            Self::Part { name, mac, .. } => {
                query.push(" and (g.user_name like ").push_bind(name.clone());
                query.push(" or r.name like ").push_bind(name.clone());
                if let Some(mac) = mac {
                    query.push(" or hex(g.mac) like ").push_bind(mac.clone());
                }
                query.push(")");
            }
        }
    }
}
