/** Groups of processes over Gloo: how they find each other and exchange numbers. */
package dev.graft.parallel;
