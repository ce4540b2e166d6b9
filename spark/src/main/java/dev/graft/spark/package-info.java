/**
 * A training run on a Spark cluster: one rank per task of a barrier stage. A process of its own,
 * which the command line starts, since Spark stays off its class path.
 */
package dev.graft.spark;
