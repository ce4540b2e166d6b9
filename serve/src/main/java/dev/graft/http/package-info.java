/** The server itself: connections and their limits, routes, streams of events, keys. */
package dev.graft.http;
