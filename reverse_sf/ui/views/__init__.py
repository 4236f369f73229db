"""One module for each part of the page; each asks what the commands ask and fills a template."""
