/** Published training runs, replayed: predicted against reported. */
package dev.graft.published;
