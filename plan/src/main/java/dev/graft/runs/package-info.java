/**
 * A recipe's run: its stages chosen where it leaves them open, a step predicted part by part, and
 * the prediction beside what the run recorded.
 */
package dev.graft.runs;
