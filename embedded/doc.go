// SPDX-License-Identifier: Apache-2.0

// Package embedded is a whole replica of the service in the process of a gateway that is written in Go, without doors: a decision
// is a call of a function, which asks nobody as a rule, and takes a microsecond or two.
//
// There are two of it. Open opens the embedded database of a directory. Nobody else can have it meanwhile, so this process is the
// service, and administers it as well: that is a Service. Join makes this process one of the replicas on a Postgres, under the
// protocol by which a revocation takes effect at once on all of them. It logs in as a role that may read what decisions need, be
// a member, and note when keys were used, and nothing else: that is a Replica. Changes are made through the service, which
// also migrates, and deletes what is not kept any longer.
//
// What holds for the service holds here. A denial is a Decision; an error means that there is none, and is never a yes. A replica
// that Postgres did not confirm for longer than its lease decides nothing: Authorize then returns an error, and so does Ready.
// Once a revocation has been answered OK, here or by any replica, no Authorize that starts afterwards allows it.
//
// Nothing of the process is touched: no signal, no setting of the garbage collector, no logger or registry but those that are given. Who
// embeds says when it ends, by Close. A process that ends without it is waited for by revocations as one that was killed.
//
// docs/behaviour.md tells the rules, docs/operations.md how to make the role, and SECURITY.md what the host of a gateway then
// holds. A gateway that works is in examples/embedded.
package embedded
