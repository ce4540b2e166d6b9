/** Plans as the data of a page. */
package dev.graft.picture;
