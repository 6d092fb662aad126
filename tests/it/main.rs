//! Sentences about the product, in one binary.

#[cfg(test)]
mod agent_faults;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod apps;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod cloud_faults;
#[cfg(test)]
mod cloud_groups;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod demo_services;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod dotnet;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod graph_batches;
#[cfg(test)]
mod graph_edges;
#[cfg(test)]
mod hearth;
#[cfg(test)]
mod house;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod language;
#[cfg(test)]
mod ldap_looks;
#[cfg(test)]
mod ldap_missing;
#[cfg(test)]
mod ldap_names;
#[cfg(test)]
mod ldap_passwords;
#[cfg(test)]
mod ldap_servers;
#[cfg(test)]
mod ldap_services;
#[cfg(test)]
mod ldif_services;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod memberships;
#[cfg(test)]
mod names;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod published;
#[cfg(test)]
mod queue_conformance;
#[cfg(test)]
mod queue_faults;
#[cfg(test)]
mod queue_logins;
#[cfg(test)]
mod redact;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod scim;
#[cfg(test)]
mod screens;
#[cfg(test)]
mod send;
#[cfg(test)]
mod sent;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod status;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod witness;

#[path = "../support/contoso.rs"]
mod contoso;
#[path = "../support/cultures.rs"]
mod cultures;
#[cfg(test)]
#[path = "../support/nats.rs"]
mod nats;
#[cfg(test)]
#[path = "../support/nkeys.rs"]
mod nkeys;
#[path = "../support/people.rs"]
mod people;
#[cfg(test)]
#[path = "../support/samba.rs"]
mod samba;
#[cfg(test)]
#[path = "../support/scim2.rs"]
mod scim2;
#[cfg(test)]
#[path = "../support/slapd.rs"]
mod slapd;
