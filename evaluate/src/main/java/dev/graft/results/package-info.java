/** What came out: a line for each answered question, and the scores of whole tasks. */
package dev.graft.results;
