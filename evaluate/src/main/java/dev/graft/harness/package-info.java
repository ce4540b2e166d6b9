/** An evaluation: tasks asked of models, question by question. */
package dev.graft.harness;
