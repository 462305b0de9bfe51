-- What the storage must do, tried in darktable itself; scripts/hosts/darktable.sh runs it with --luacmd.
local dt = require "darktable"
local retouch = require "retouch"

local function check(name, right)
  print((right and "right " or "WRONG ") .. name)
end

local function try()
  local image = dt.database.import(os.getenv("RETOUCH_TRY") .. "/photo.jpg")
  dt.tags.attach(dt.tags.create("meadow"), image)
  local format = dt.new_format("tiff")
  format.bpp = 16
  local exported = os.getenv("RETOUCH_TRY") .. "/exported.tif"
  format:write_image(image, exported)
  retouch.finalize(nil, {[image] = exported})
  local members = image:get_group_members()
  check("two in the group", #members == 2)
  for _, each in ipairs(members) do
    if each ~= image then
      check("it is the fill: " .. each.filename, each.filename == "photo-filled.tif")
      local tags = {}
      for _, tag in ipairs(dt.tags.get_tags(each)) do
        tags[tag.name] = true
      end
      check("it has the original's tag", tags["meadow"])
    end
  end
  check("the exported file is gone", not io.open(exported))
end

local well, message = pcall(try)
if not well then
  print("WRONG " .. tostring(message))
end
print("END")
io.flush()
